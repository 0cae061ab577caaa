"""Partition tables of image files: MBR and GPT, found and grown without any device.

Sources: UEFI specification 2.10, section 5 (GPT); the MBR as every PC has had it since 1983.
"""

from __future__ import annotations

import struct
import uuid
import zlib
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Literal

from edgebot.core.errors import FlashError

SECTOR = 512
_EXT_MAGIC_AT = 1024 + 56
_GPT = struct.Struct("<8s4sIIIQQQQ16sQIII")
_FAT_TYPES = (0x01, 0x04, 0x06, 0x0B, 0x0C, 0x0E, 0xEF)
_ESP = uuid.UUID("c12a7328-f81f-11d2-ba4b-00a0c93ec93b").bytes_le
_BASIC_DATA = uuid.UUID("ebd0a0a2-b9e5-4433-87c0-68b6b72699c7").bytes_le


@dataclass(frozen=True, slots=True)
class Partition:
    """Where a partition is, in bytes, and what is on it."""

    number: int
    start: int
    size: int
    content: Literal["ext4", "fat", "other"]


@dataclass(frozen=True, slots=True)
class Table:
    """The partitions of an image."""

    kind: Literal["mbr", "gpt"]
    partitions: tuple[Partition, ...]

    @property
    def root(self) -> Partition:
        """The largest Linux partition; raises :class:`FlashError`."""
        linux = [one for one in self.partitions if one.content == "ext4"]
        if not linux:
            raise FlashError("the image has no ext4 partition to put edgebot on; use another image")
        return max(linux, key=lambda one: one.size)

    @property
    def boot(self) -> Partition | None:
        """The first FAT partition."""
        return next((one for one in self.partitions if one.content == "fat"), None)


def read_table(image: Path) -> Table:
    """The partition table of ``image``; raises :class:`FlashError`."""
    with image.open("rb") as file:
        mbr = file.read(SECTOR)
        if len(mbr) < SECTOR or mbr[510:] != b"\x55\xaa":
            raise FlashError(f"{image} has no partition table; is it a disk image, unpacked?")
        entries = [mbr[446 + 16 * i : 462 + 16 * i] for i in range(4)]
        if any(entry[4] == 0xEE for entry in entries):
            return Table("gpt", tuple(_gpt_partitions(file)))
        found = []
        for number, entry in enumerate(entries, 1):
            first, count = struct.unpack("<II", entry[8:16])
            if entry[4] and count:
                content = _content(file, first * SECTOR, entry[4] in _FAT_TYPES)
                found.append(Partition(number, first * SECTOR, count * SECTOR, content))
        return Table("mbr", tuple(found))


def grow(image: Path, table: Table, extra: int) -> Partition:
    """Make image and root partition larger by ``extra`` bytes; the partition as it is now.

    Raises :class:`FlashError` when the root partition is not the last one.
    """
    root = table.root
    if any(one.start > root.start for one in table.partitions):
        raise FlashError(
            "the root partition of the image is not its last one and cannot grow; take an image "
            "with more room on it"
        )
    size = root.size + extra // SECTOR * SECTOR
    with image.open("r+b") as file:
        if table.kind == "mbr":
            file.truncate(root.start + size)
            file.seek(446 + 16 * (root.number - 1) + 12)
            file.write(struct.pack("<I", size // SECTOR))
        else:
            _grow_gpt(file, root, size)
    return Partition(root.number, root.start, size, root.content)


def _content(file: IO[bytes], start: int, fat: bool) -> Literal["ext4", "fat", "other"]:
    file.seek(start + _EXT_MAGIC_AT)
    if file.read(2) == b"\x53\xef":
        return "ext4"
    file.seek(start)
    sector = file.read(SECTOR)
    return "fat" if fat and sector[510:] == b"\x55\xaa" else "other"


def _gpt_partitions(file: IO[bytes]) -> list[Partition]:
    header, entries = _gpt(file)
    found = []
    for number in range(header[11]):
        entry = entries[number * header[12] : (number + 1) * header[12]]
        first, last = struct.unpack("<QQ", entry[32:48])
        if any(entry[:16]):
            fat = entry[:16] in (_ESP, _BASIC_DATA)
            content = _content(file, first * SECTOR, fat)
            size = (last - first + 1) * SECTOR
            found.append(Partition(number + 1, first * SECTOR, size, content))
    return found


def _gpt(file: IO[bytes]) -> tuple[tuple[int, ...], bytes]:
    file.seek(SECTOR)
    raw = file.read(_GPT.size)
    if len(raw) < _GPT.size or raw[:8] != b"EFI PART":
        raise FlashError("the partition table of the image is damaged; fetch the image anew")
    header = _GPT.unpack(raw)
    if not (header[12] >= 128 and 0 < header[11] * header[12] <= 1 << 20):
        raise FlashError("the partition table of the image is damaged; fetch the image anew")
    file.seek(header[10] * SECTOR)
    return header, file.read(header[11] * header[12])


def _grow_gpt(file: IO[bytes], root: Partition, size: int) -> None:
    header, entries = _gpt(file)
    table_sectors = -(-len(entries) // SECTOR)
    last = (root.start + size) // SECTOR - 1
    backup = last + table_sectors + 1
    at = header[12] * (root.number - 1)
    entries = entries[: at + 40] + struct.pack("<Q", last) + entries[at + 48 :]
    file.truncate((backup + 1) * SECTOR)
    for own, other, table_at, place in (
        (1, backup, header[10], 1),
        (backup, 1, last + 1, backup),
    ):
        file.seek(table_at * SECTOR)
        file.write(entries)
        file.seek(place * SECTOR)
        file.write(_header(header, own, other, last, table_at, entries))
    file.seek(446 + 12)  # the protective entry covers the whole disk
    file.write(struct.pack("<I", min(backup, 0xFFFFFFFF)))


def _header(
    old: tuple[int, ...], own: int, other: int, last: int, table_at: int, entries: bytes
) -> bytes:
    parts = [*old[:3], 0, 0, own, other, old[7], last, old[9], table_at, *old[11:13]]
    parts.append(zlib.crc32(entries))
    raw = _GPT.pack(*parts)
    parts[3] = zlib.crc32(raw)
    return _GPT.pack(*parts).ljust(SECTOR, b"\0")
