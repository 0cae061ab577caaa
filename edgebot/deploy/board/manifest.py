"""What an offered release says of itself; the same rules as ``edgebot/deploy/bundle_format.py``."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from typing import Any

from .refusal import Refused

FORMAT = 1
MANIFEST_BYTES = 32 << 20
_SHA256 = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a release."""

    path: str
    sha256: str
    size: int
    kind: str
    executable: bool
    stored: str
    """``plain`` or ``zlib``: how it is sent."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """A manifest that was checked."""

    release: str
    version: str
    profile: str
    arch: str
    python: str
    glibc: str
    cpu: tuple[str, ...]
    created: int
    bytecode: bool
    system: tuple[str, ...]
    entries: tuple[Entry, ...]

    def objects(self) -> dict[str, Entry]:
        """SHA-256 → an entry with that content."""
        return {entry.sha256: entry for entry in self.entries}


def read(content: bytes) -> Manifest:
    """Read ``manifest.json``; raises :class:`Refused` when anything is not as it must be."""
    try:
        data = json.loads(content)
        return _read(data)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        what = f"{type(error).__name__}: {error}"[:120]
        raise Refused(
            "manifest", f"the manifest of the bundle is damaged ({what}); make or copy it anew"
        ) from None


def _read(data: dict[str, Any]) -> Manifest:
    if data["format"] != FORMAT:
        raise Refused(
            "format",
            f"the bundle has format {data['format']!r} and this installer reads {FORMAT}; "
            "flash with the edgebot that made the bundle",
        )
    body = {key: value for key, value in data.items() if key not in ("created", "format")}
    body.pop("release")
    dumped = json.dumps(body, sort_keys=True, indent=1, ensure_ascii=True) + "\n"
    release = hashlib.sha256(dumped.encode()).hexdigest()[:16]
    if release != data["release"]:
        raise ValueError("its release is not the one that follows from its contents")
    entries = tuple(_entry(entry) for entry in data["entries"])
    _check_paths(entries)
    return Manifest(
        release=release,
        version=str(data["version"]),
        profile=str(data["profile"]),
        arch=str(data["arch"]),
        python=str(data["python"]),
        glibc=str(data["glibc"]),
        cpu=tuple(map(str, data["cpu"])),
        created=int(data["created"]),
        bytecode=bool(data["bytecode"]),
        system=tuple(map(str, data["system"])),
        entries=entries,
    )


def _entry(data: dict[str, Any]) -> Entry:
    sha256, size = data["sha256"], data["size"]
    if not isinstance(sha256, str) or not _SHA256.fullmatch(sha256):
        raise ValueError(f"{sha256!r} is no SHA-256")
    if type(size) is not int or not 0 <= size < 1 << 42:
        raise ValueError(f"{size!r} is no size")
    if data["stored"] not in ("plain", "zlib"):
        raise ValueError(f"{data['stored']!r} is no way of storing")
    kind, executable = str(data["kind"]), bool(data["executable"])
    return Entry(str(data["path"]), sha256, size, kind, executable, data["stored"])


def _check_paths(entries: tuple[Entry, ...]) -> None:
    paths: set[str] = set()
    objects: dict[str, tuple[int, str]] = {}
    for entry in entries:
        parts = entry.path.split("/")
        inside = all(part not in ("", ".", "..") and len(part.encode()) < 256 for part in parts)
        if not inside or "\\" in entry.path or not entry.path.isprintable():
            raise ValueError(f"{entry.path!r} is no path inside a release")
        if entry.path in paths:
            raise ValueError(f"{entry.path!r} is in it twice")
        paths.add(entry.path)
        looks = (entry.size, entry.stored)
        if objects.setdefault(entry.sha256, looks) != looks:
            raise ValueError(f"{entry.path!r} disagrees about its object")
    for path in paths:
        parts = path.split("/")
        if any("/".join(parts[:depth]) in paths for depth in range(1, len(parts))):
            raise ValueError(f"{path!r} lies in a file")
