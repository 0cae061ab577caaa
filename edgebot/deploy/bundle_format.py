"""What a bundle is: one file with everything a board needs, and the manifest that says what.

A bundle is a plain tar file (so that any object can be read without reading what is before it)
with these members in this order:

    manifest.json         what is in it; its exact bytes are what is signed
    manifest.sig          detached Ed25519 signature (see edgebot/models/signatures.py)
    objects/<sha256>      contents, once each, sorted by name; raw, or packed with zlib

Paths in the manifest are those below ``releases/<release>/`` of the board. docs/board.md tells it
for people.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any, Literal, TypeAlias, get_args

from edgebot.core.errors import BundleError

FORMAT = 1
"""Raised when an older installer could no longer read it."""

MANIFEST = "manifest.json"
SIGNATURE = "manifest.sig"
OBJECTS = "objects/"

MANIFEST_BYTES = 32 << 20
"""Longest manifest that is read, in bytes: a hostile file shall not fill the memory."""

Kind: TypeAlias = Literal[
    "python", "model", "knowledge", "settings", "unit", "installer", "package", "about"
]
"""``settings`` are copied to ``/etc/edgebot`` where nothing is there; ``package``: of Debian, for
boards that lack it; ``about``: SBOM, licences."""

Stored: TypeAlias = Literal["plain", "zlib"]

KINDS: tuple[str, ...] = get_args(Kind)
ARCHES = ("aarch64", "x86_64")
PYTHONS = ("3.11", "3.12", "3.13")

_SHA256 = re.compile(r"[0-9a-f]{64}")
_WORD = re.compile(r"[a-z0-9][a-z0-9._+-]{0,99}")


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a release."""

    path: str
    """Relative, with slashes; neither links nor empty directories exist in a bundle."""

    sha256: str
    """Of the content as it lies on the board, and the name of its object."""

    size: int
    """Bytes on the board."""

    kind: Kind
    executable: bool = False
    stored: Stored = "plain"
    """How the object lies in the bundle; the same for every entry of one object."""


@dataclass(frozen=True, slots=True)
class Component:
    """Something somebody else made: a Python package, a model, a package of Debian."""

    name: str
    version: str
    licence: str
    kind: Literal["python", "model", "debian"]
    size: int
    """Bytes on the board."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What ``manifest.json`` says."""

    version: str
    """Of edgebot."""

    profile: str
    arch: str
    python: str
    """``3.11``: the packages run on this minor version alone."""

    glibc: str
    """Oldest C library that the packages run on."""

    cpu: tuple[str, ...]
    """Processor features that must be there, as ``/proc/cpuinfo`` names them."""

    created: int
    """Seconds since 1970 (``SOURCE_DATE_EPOCH``); orders bundles for rollback protection."""

    bytecode: bool
    """Whether ``.pyc`` files are in it; else the board compiles after the switch."""

    system: tuple[str, ...]
    """Debian packages that the board must have (``libportaudio2`` …)."""

    entries: tuple[Entry, ...]
    components: tuple[Component, ...]

    @property
    def release(self) -> str:
        """Name of the release: 16 hexadecimal digits that follow from everything but the date.

        Two bundles with the same contents are the same release, whenever they were made.
        """
        body = {key: value for key, value in asdict(self).items() if key != "created"}
        return hashlib.sha256(_dump(body)).hexdigest()[:16]

    @property
    def file_name(self) -> str:
        """``edgebot-<version>-<profile>-<arch>-py<XY>.bundle``."""
        python = self.python.replace(".", "")
        return f"edgebot-{self.version}-{self.profile}-{self.arch}-py{python}.bundle"

    @property
    def sizes(self) -> dict[str, int]:
        """Kind → bytes on the board."""
        sizes = dict.fromkeys(KINDS, 0)
        for entry in self.entries:
            sizes[entry.kind] += entry.size
        return sizes

    def objects(self) -> dict[str, Entry]:
        """SHA-256 → an entry with that content, sorted: the objects of the bundle."""
        found = {entry.sha256: entry for entry in self.entries}
        return dict(sorted(found.items()))

    def to_bytes(self) -> bytes:
        """The exact bytes of ``manifest.json``."""
        return _dump({"format": FORMAT, "release": self.release, **asdict(self)})

    @classmethod
    def from_bytes(cls, content: bytes) -> Manifest:
        """Read a manifest; raises :class:`BundleError` when anything in it is not as it must be."""
        if len(content) > MANIFEST_BYTES:
            raise _damaged(f"it is longer than {MANIFEST_BYTES >> 20} MiB")
        try:
            data = json.loads(content)
        except (ValueError, RecursionError) as error:
            raise _damaged(f"it is no JSON ({error})") from None
        if not isinstance(data, dict):
            raise _damaged("it is no mapping")
        if data.get("format") != FORMAT:
            raise BundleError(
                f"the bundle has format {data.get('format')!r} and this edgebot reads {FORMAT}; "
                "make it with the edgebot that is to read it"
            )
        manifest = _parse(data)
        if manifest.release != data.get("release"):
            raise _damaged("its release is not the one that follows from its contents")
        return manifest


def _dump(data: Mapping[str, Any]) -> bytes:
    return (json.dumps(data, sort_keys=True, indent=1, ensure_ascii=True) + "\n").encode()


def _damaged(what: str) -> BundleError:
    return BundleError(f"the manifest of the bundle is damaged: {what}; make or copy it anew")


def _parse(data: Mapping[str, Any]) -> Manifest:
    try:
        manifest = Manifest(
            version=_text(data["version"]),
            profile=_text(data["profile"]),
            arch=_one_of(data["arch"], ARCHES),
            python=_one_of(data["python"], PYTHONS),
            glibc=_text(data["glibc"]),
            cpu=tuple(map(_text, _list(data["cpu"]))),
            created=_count(data["created"]),
            bytecode=_flag(data["bytecode"]),
            system=tuple(map(_text, _list(data["system"]))),
            entries=tuple(map(_entry, _list(data["entries"]))),
            components=tuple(map(_component, _list(data["components"]))),
        )
    except KeyError as missing:
        raise _damaged(f"{missing} is missing") from None
    check_paths(manifest.entries)
    return manifest


def _entry(data: Any) -> Entry:
    if not isinstance(data, dict):
        raise _damaged("an entry is no mapping")
    sha256 = data["sha256"]
    if not isinstance(sha256, str) or not _SHA256.fullmatch(sha256):
        raise _damaged(f"{sha256!r} is no SHA-256")
    return Entry(
        path=str(data["path"]),
        sha256=sha256,
        size=_count(data["size"]),
        kind=_one_of(data["kind"], KINDS),  # type: ignore[arg-type]
        executable=_flag(data["executable"]),
        stored=_one_of(data["stored"], get_args(Stored)),  # type: ignore[arg-type]
    )


def _component(data: Any) -> Component:
    if not isinstance(data, dict):
        raise _damaged("a component is no mapping")
    kind = _one_of(data["kind"], ("python", "model", "debian"))
    name, version, licence = (str(data[key]) for key in ("name", "version", "licence"))
    return Component(name, version, licence, kind, _count(data["size"]))  # type: ignore[arg-type]


def check_paths(entries: Iterable[Entry]) -> None:
    """Raise :class:`BundleError` unless all paths stay inside a release and agree."""
    paths: set[str] = set()
    objects: dict[str, tuple[int, str]] = {}
    for entry in entries:
        parts = entry.path.split("/")
        if any(part in ("", ".", "..") for part in parts) or not entry.path.isprintable():
            raise _damaged(f"{entry.path!r} is no path inside a release")
        if "\\" in entry.path or any(len(part.encode()) > 255 for part in parts):
            raise _damaged(f"{entry.path!r} is no path inside a release")
        if entry.path in paths:
            raise _damaged(f"{entry.path!r} is in it twice")
        paths.add(entry.path)
        if objects.setdefault(entry.sha256, (entry.size, entry.stored)) != (
            entry.size,
            entry.stored,
        ):
            raise _damaged(f"{entry.path!r} disagrees about its object with another entry")
    for path in paths:
        parts = path.split("/")
        for depth in range(1, len(parts)):
            if "/".join(parts[:depth]) in paths:
                raise _damaged(f"{'/'.join(parts[:depth])!r} is a file and a directory")


def _text(value: Any) -> str:
    if not isinstance(value, str) or not _WORD.fullmatch(value):
        raise _damaged(f"{value!r} is no plain word")
    return value


def _one_of(value: Any, known: tuple[str, ...]) -> str:
    if value not in known:
        raise _damaged(f"{value!r} is none of {', '.join(known)}")
    return str(value)


def _count(value: Any) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not 0 <= value < 1 << 42:
        raise _damaged(f"{value!r} is no number of bytes or seconds")
    return value


def _flag(value: Any) -> bool:
    if not isinstance(value, bool):
        raise _damaged(f"{value!r} is neither true nor false")
    return value


def _list(value: Any) -> list[Any]:
    if not isinstance(value, list) or len(value) > 200_000:
        raise _damaged("a list is missing or far too long")
    return value
