"""Writing an image onto a card: no default, nothing that is in use, and read back afterwards."""

from __future__ import annotations

import hashlib
import os
import stat
from collections.abc import Callable
from dataclasses import dataclass
from io import RawIOBase
from pathlib import Path

from edgebot.core.errors import FlashError, UsageError

CHUNK = 4 << 20
SECTOR = 512
Advance = Callable[[int], None]


@dataclass(frozen=True, slots=True)
class Disk:
    """A whole disk, as the kernel describes it."""

    path: Path
    name: str
    model: str
    size: int
    """Bytes."""

    removable: bool


def look(path: Path, system: Path = Path("/")) -> Disk:
    """What ``path`` is; raises :class:`UsageError` when it may not be written.

    ``system`` is where ``/sys`` and ``/proc`` of the machine are found.
    """
    name = path.resolve().name
    block = system / "sys/class/block" / name
    if not block.exists():
        raise UsageError(f"{path} is no disk of this machine; see `lsblk`")
    if (block / "partition").exists():
        parent = block.resolve().parent.name
        raise UsageError(f"{path} is a partition; name the whole disk, /dev/{parent}")
    if _read(block / "ro") == "1":
        raise UsageError(f"{path} is write-protected; slide the lock of the card")
    parts = {name, *(p.parent.name for p in block.glob("*/partition"))}
    _refuse_used(path, parts, block, system)
    vendor = f"{_read(block / 'device/vendor')} {_read(block / 'device/model')}".strip()
    return Disk(
        path=path,
        name=name,
        model=vendor or _read(block / "device/name") or "unknown model",
        size=int(_read(block / "size") or 0) * SECTOR,
        removable=_read(block / "removable") == "1",
    )


def _refuse_used(path: Path, parts: set[str], block: Path, system: Path) -> None:
    for line in _read(system / "proc/self/mounts").splitlines():
        source, where = line.split()[:2]
        if Path(source).name in parts and source.startswith("/dev/"):
            if where in ("/", "/boot", "/boot/firmware", "/usr", "/var", "/home"):
                raise UsageError(f"{path} holds the system of this machine ({where}); never")
            raise UsageError(f"{path} is mounted at {where}; `umount {where}` first")
    for line in _read(system / "proc/swaps").splitlines()[1:]:
        if Path(line.split()[0]).name in parts:
            raise UsageError(f"{path} is swap of this machine; never")
    for part in parts:
        inside = block if part == block.name else block / part
        holders = sorted(p.name for p in inside.glob("holders/*"))
        if holders:
            raise UsageError(f"{path} is in use by {', '.join(holders)} (LVM, RAID, encryption)")
    if system == Path("/"):
        _refuse_own_root(path, parts)


def _refuse_own_root(path: Path, parts: set[str]) -> None:
    """The root may be mounted under another name than its partition's (``/dev/root``)."""
    number = Path("/").stat().st_dev
    own = Path(f"/sys/dev/block/{os.major(number)}:{os.minor(number)}").resolve().name
    if own in parts:
        raise UsageError(f"{path} holds the system of this machine (/); never")


def write_image(
    disk: Disk, image: Path, begin: Callable[[str, int], None], advance: Advance
) -> str:
    """Write ``image`` and read it back; its SHA-256. Raises :class:`FlashError`."""
    size = image.stat().st_size
    if size > disk.size:
        raise UsageError(f"the image has {size} bytes and {disk.path} only {disk.size}")
    begin("writing", size)
    flags = os.O_RDWR | os.O_CLOEXEC
    if stat.S_ISBLK(disk.path.stat().st_mode):
        flags |= os.O_EXCL  # the kernel refuses what is mounted in the meantime
    try:
        number = os.open(disk.path, flags)
    except OSError as problem:
        raise FlashError(f"{disk.path} cannot be written ({problem.strerror}); use sudo") from None
    with os.fdopen(number, "r+b", buffering=0) as target:
        try:
            written = _write(image, target, advance)
            os.fsync(number)
        except OSError as problem:
            raise FlashError(
                f"{disk.path} fails while it is written ({problem.strerror}); take another card"
            ) from None
        os.posix_fadvise(number, 0, 0, os.POSIX_FADV_DONTNEED)
        begin("reading back", size)
        found = _digest(target, size, advance)
    if found != written:
        raise FlashError(f"{disk.path} does not hold what was written; take another card")
    return found


def _write(image: Path, target: RawIOBase, advance: Advance) -> str:
    digest, done = hashlib.sha256(), 0
    with image.open("rb") as source:
        while block := source.read(CHUNK):
            digest.update(block)
            view = memoryview(block)
            while view:
                view = view[target.write(view) :]
            done += len(block)
            advance(done)
    return digest.hexdigest()


def _digest(target: RawIOBase, size: int, advance: Advance) -> str:
    digest, left = hashlib.sha256(), size
    target.seek(0)
    while left:
        block = target.read(min(CHUNK, left))
        if not block:
            break
        digest.update(block)
        left -= len(block)
        advance(size - left)
    return digest.hexdigest()


def _read(path: Path) -> str:
    try:
        return path.read_text(errors="replace").strip()
    except OSError:
        return ""
