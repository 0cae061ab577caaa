"""Making a bundle: gather, describe, sign, write. The same inputs give the same bytes."""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path

from edgebot import __version__
from edgebot.deploy import bundle_contents as contents
from edgebot.deploy import debian, preparing, units, wheels
from edgebot.deploy.bundle_builds import told
from edgebot.deploy.bundle_contents import File
from edgebot.deploy.bundle_file import write_bundle
from edgebot.deploy.bundle_format import Component, Entry, Kind, Manifest
from edgebot.deploy.bundle_order import Order
from edgebot.deploy.sbom import licences_text, sbom
from edgebot.models.digest import locked, write_atomically
from edgebot.models.signatures import SigningKey

RECIPE = 1
"""Goes up when packages are unpacked in another way."""

SYSTEM = {
    "aarch64": ("libatomic1", "libportaudio2"),
    "x86_64": ("libportaudio2",),
}
"""Debian packages a board must have: vosk's library on ARM, sound cards. They come along."""

BOARD = "edgebot/deploy/board"
"""The programs of the standard library alone."""

Say = Callable[[str], None]
Advance = Callable[[int], None]


def site_of(order: Order, cache: Path, say: Say) -> tuple[Path, wheels.LlamaWheel]:
    """The unpacked packages of others, from the cache where nothing about them has changed."""
    lock = contents.lock_file()
    wheel = wheels.llama_wheel(lock, cache, order.arch, say, portable=order.portable)
    told = [lock.read_bytes(), wheel.path.read_bytes(), wheels.interpreter().encode()]
    told += [order.arch.encode(), order.python.encode(), str(RECIPE).encode()]
    key = hashlib.sha256(b"\0".join(hashlib.sha256(part).digest() for part in told)).hexdigest()
    shelf = cache / "sites"
    site = shelf / f"{order.arch}-py{order.python}-{key[:16]}"
    with locked(shelf / f"{site.name}.lock", lambda: say("waiting for another bundle to be made")):
        if not site.is_dir():
            half = shelf / f".half-{site.name}"
            shutil.rmtree(half, ignore_errors=True)
            wheels.unpack(half, lock, wheel, order.arch, order.python, say)
            if wheels.compile_bytecode(half, order.python):
                say(f"compiled for Python {order.python}")
            half.rename(site)
        _describe(site)
    return site, wheel


def _description(site: Path) -> Path:
    return site.with_name(f"{site.name}.json")


def _describe(site: Path) -> None:
    """Hash the packages of others once; nobody writes to the cache afterwards."""
    if not _description(site).is_file():
        facts = {
            "entries": [asdict(file.entry) for file in contents.tree(site, "site", "python")],
            "components": [asdict(part) for part in contents.package_components(site)],
            "glibc": wheels.needed_glibc(site),
        }
        write_atomically(_description(site), json.dumps(facts).encode())


def _described(site: Path) -> tuple[list[File], list[Component], str]:
    facts = json.loads(_description(site).read_bytes())
    entries = [Entry(**entry) for entry in facts["entries"]]
    files = [File(entry, site / entry.path.removeprefix("site/")) for entry in entries]
    return files, [Component(**part) for part in facts["components"]], facts["glibc"]


def make_bundle(
    order: Order,
    out: Path,
    key: SigningKey,
    cache: Path,
    say: Say,
    begin: Callable[[str, int], None] = lambda label, total: None,
    advance: Advance = lambda done: None,
) -> Manifest:
    """Write the bundle to ``out`` (a file, or a directory that gets one under its usual name).

    Raises :class:`UsageError` and :class:`BundleError`.
    """
    site, wheel = site_of(order, cache, say)
    with tempfile.TemporaryDirectory(prefix="edgebot-bundle-") as name:
        files, components, glibc = _described(site)
        bytecode = _gather(order, files, components, Path(name), cache, say)
        manifest = Manifest(
            version=__version__,
            profile=order.profile.name,
            arch=order.arch,
            python=order.python,
            glibc=glibc,
            cpu=tuple(sorted({*order.profile.requires.cpu, *wheel.cpu})),
            created=order.created,
            bytecode=bytecode,
            system=SYSTEM[order.arch],
            entries=tuple(sorted((file.entry for file in files), key=lambda entry: entry.path)),
            components=tuple(components),
        )
        content = manifest.to_bytes()
        Manifest.from_bytes(content)  # what cannot be read back is not written
        target = out / manifest.file_name if out.is_dir() else out
        total = sum(entry.size for entry in manifest.objects().values())
        begin(target.name, total)
        sources = {file.entry.sha256: file.source for file in files}
        write_bundle(target, manifest, key.sign(content), sources, advance)
    return manifest


def _gather(
    order: Order,
    files: list[File],
    components: list[Component],
    staging: Path,
    cache: Path,
    say: Say,
) -> bool:
    """Add what is not a package of others; whether it is compiled.

    What is made lies in ``staging`` until the bundle is written.
    """
    say("gathering files")
    own = staging / "site"
    contents.stage_package(own)
    ready = preparing.prepared(order, _settings(order), own / "edgebot", cache, say)
    shutil.copytree(ready, own / "edgebot/_share/prepared")
    bytecode = wheels.compile_bytecode(own, order.python)
    files += contents.tree(own, "site", "python")
    for installed in order.models:
        files += contents.model_files(installed)
        components.append(contents.model_component(installed.entry))
    files += contents.tree(own / "edgebot" / "_share" / "systemd", "systemd", "unit")
    files += [
        file
        for file in contents.tree(own / BOARD, "installer", "installer")
        if not file.entry.path.endswith(".pyc")
    ]

    def written(path: str, content: bytes, kind: Kind) -> File:
        place = staging / "made" / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_bytes(content)
        place.chmod(0o755 if path.startswith("bin/") else 0o644)
        return contents.one(place, path, kind)

    debs = debian.packages(SYSTEM[order.arch], order.arch, order.python, cache, say)
    for deb in debs:
        path = f"debian/{debian.suite_of(order.python)}/{deb.path.name}"
        files.append(contents.one(deb.path, path, "package"))
        components.append(debian.component(deb))
    for path, content in told(order.models).items():
        files.append(written(path, content, "model"))
    drop_in = units.memory_drop_in(order.profile)
    files.append(written("systemd/edgebot.service.d/10-memory.conf", drop_in, "unit"))
    launcher = contents.LAUNCHER.format(python=order.python)
    files.append(written("bin/edgebot", launcher.encode(), "python"))
    files.append(written("settings/edgebot.yaml", _settings(order), "settings"))
    entries = [file.entry for file in files]
    bill = sbom(__version__, order.profile.name, components, entries)
    files.append(written("sbom.cdx.json", bill, "about"))
    files.append(written("licences.txt", licences_text(components), "about"))
    return bytecode


def _settings(order: Order) -> bytes:
    if order.settings_file is not None:
        return order.settings_file.read_bytes()
    return (
        "# Settings of this board; `edgebot config show` lists them all.\n"
        f"profile: {order.profile.name}\n"
    ).encode()
