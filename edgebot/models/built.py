"""Models that `edgebot build` made: their signed manifest, and how they are opened."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edgebot.core.errors import ModelCorrupt, Untrusted
from edgebot.models import sealed
from edgebot.models.entry import Entry
from edgebot.models.signatures import PublicKey, verify

MANIFEST, SIGNATURE = "manifest", "signature"
"""Roles of the files every built model has."""

MANIFEST_FILE, SIGNATURE_FILE = "manifest.json", "manifest.sig"
KEYS = "keys.d"
"""Directory of public keys (``*.json``) that are trusted, in the store and in /etc/edgebot."""

_SYSTEM_KEYS = Path("/etc/edgebot") / KEYS
_OWN = (MANIFEST, SIGNATURE)
_LARGEST = 1 << 22


def is_built(entry: Entry) -> bool:
    """Whether ``entry`` says that its model was made by a build."""
    return any(file.role == MANIFEST for file in entry.files)


def trusted_keys(root: Path) -> list[PublicKey]:
    """The keys that the store at ``root`` and this machine trust."""
    files = [
        file for folder in (_SYSTEM_KEYS, root / KEYS) for file in sorted(folder.glob("*.json"))
    ]
    return [PublicKey.read(file) for file in files]


def check_signature(entry: Entry, folder: Path, root: Path) -> dict[str, Any]:
    """The manifest of the built model in ``folder``, signed by a key that is trusted.

    Raises :class:`Untrusted` when its signature does not fit or when it speaks of other files than
    the catalogue does, :class:`ModelCorrupt` when it cannot be read.
    """
    step = f"; build it again (`edgebot build --recipe {entry.id}`) or copy it anew"
    try:
        with (folder / MANIFEST_FILE).open("rb") as file:
            content = file.read(_LARGEST)
        signature = (folder / SIGNATURE_FILE).read_bytes()
    except OSError as error:
        raise ModelCorrupt(f"model {entry.id}: {error.filename}: {error.strerror}{step}") from None
    try:
        told = json.loads(content)
        made = int(told["made"])
        files = {str(file["path"]): str(file["sha256"]) for file in told["files"]}
    except (ValueError, TypeError, KeyError):
        made, files, told = 0, {}, {}
    try:
        verify(content, signature, trusted_keys(root), made=made, now=time.time())
    except Untrusted as error:
        raise Untrusted(f"model {entry.id}: {error}") from None
    listed = {file.path: file.sha256 for file in entry.files if file.role not in _OWN}
    if files != listed or told.get("id") != entry.id:
        raise Untrusted(f"model {entry.id}: its manifest is of other files than these{step}")
    found: dict[str, Any] = told
    return found


def opened(
    files: Mapping[str, Path], told: Mapping[str, Any], known: dict[Path, Path]
) -> dict[str, Path]:
    """``files`` with those that are sealed replaced by plain ones in memory (kept in ``known``)."""
    plain = dict(files)
    for role in told.get("sealed", ()):
        path = files[role]
        if path not in known:
            known[path] = sealed.into_memory(path, sealed.find_key())
        plain[role] = known[path]
    return plain


def read_manifest(folder: Path) -> dict[str, Any] | None:
    """What the manifest in ``folder`` says, signature unchecked: for people; None when absent."""
    try:
        told: dict[str, Any] = json.loads((folder / MANIFEST_FILE).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    return told if isinstance(told, dict) else None
