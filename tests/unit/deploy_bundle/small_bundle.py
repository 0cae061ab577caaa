"""A bundle of a few files, made in a moment."""

from __future__ import annotations

import hashlib
from pathlib import Path

from edgebot.deploy.bundle_file import packing, write_bundle
from edgebot.deploy.bundle_format import Component, Entry, Manifest
from edgebot.models.signatures import SigningKey, make_pair

CONTENTS = {
    "bin/edgebot": b"#!/bin/sh\necho hello\n",
    "site/edgebot/__init__.py": b"# the same line again\n" * 400,
    "site/empty.py": b"",
    "models/m/weights": bytes(range(256)) * 8192,
    "models/m/copy": bytes(range(256)) * 8192,
    "models/m/random": hashlib.shake_256(b"noise").digest(3_000_000),
}


def manifest_of(contents: dict[str, bytes], **changes: object) -> Manifest:
    entries = tuple(
        Entry(
            path,
            hashlib.sha256(content).hexdigest(),
            len(content),
            "model" if path.startswith("models/") else "python",
            path.startswith("bin/"),
            packing(content),
        )
        for path, content in sorted(contents.items())
    )
    facts: dict[str, object] = {
        "version": "0.1.0",
        "profile": "rpi5",
        "arch": "aarch64",
        "python": "3.11",
        "glibc": "2.34",
        "cpu": ("asimd",),
        "created": 1_700_000_000,
        "bytecode": True,
        "system": ("libportaudio2",),
        "entries": entries,
        "components": (Component("numpy", "2.4.6", "BSD-3-Clause", "python", 1),),
    }
    return Manifest(**{**facts, **changes})  # type: ignore[arg-type]


def key_in(folder: Path) -> SigningKey:
    private = folder / "test.key"
    if not private.exists():
        make_pair(private, folder / "test.pub", "the tests", None)
    return SigningKey.read(private)


def write_small(out: Path, key: SigningKey, contents: dict[str, bytes] = CONTENTS) -> Manifest:
    manifest = manifest_of(contents)
    sources = {hashlib.sha256(content).hexdigest(): content for content in contents.values()}
    write_bundle(out, manifest, key.sign(manifest.to_bytes()), sources)
    return manifest
