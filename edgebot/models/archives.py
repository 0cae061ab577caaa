"""Taking single files out of archives that nobody vouches for.

Nothing is ever unpacked to a name the archive chose: members are read as streams, and the caller
says where their bytes go. An archive that holds a name that climbs out of it, a device, or a link
where a file is wanted is refused whole, since it was made to do harm.
"""

from __future__ import annotations

import errno
import lzma
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import IO

from edgebot.core.errors import FetchError

MAX_MEMBERS = 50_000
MAX_UNPACKED = 4 << 30
"""Bytes that an archive may say it unpacks to."""

MAX_HEADER = 1 << 20
"""Bytes of a tar header extension; tarfile holds them in memory."""

_DAMAGED = (
    zipfile.BadZipFile,
    tarfile.TarError,
    zlib.error,
    lzma.LZMAError,
    EOFError,
    NotImplementedError,  # zipfile: packed in a way it does not know
    ValueError,
    OverflowError,
    struct.error,
)

_EXTENSIONS = (
    tarfile.XHDTYPE,
    tarfile.XGLTYPE,
    tarfile.SOLARIS_XHDTYPE,
    tarfile.GNUTYPE_LONGNAME,
    tarfile.GNUTYPE_LONGLINK,
)

Take = Callable[[str, IO[bytes]], None]
"""Given the name of a wanted member and its content."""


def read_members(archive: Path, wanted: Collection[str], take: Take) -> None:
    """Hand each of the ``wanted`` members of ``archive`` (zip, wheel, tar, tar.gz) to ``take``.

    Raises :class:`FetchError` when the archive is damaged or hostile, or misses a member.
    """
    with _worded(archive):
        if zipfile.is_zipfile(archive):
            seen = _read_zip(archive, wanted, take)
        else:
            seen = _read_tar(archive, wanted, take)
    for name in wanted:
        if name not in seen:
            raise FetchError(f"{archive.name} holds no {name}")


@contextmanager
def _worded(archive: Path) -> Iterator[None]:
    try:
        yield
    except _DAMAGED as error:
        raise FetchError(f"{archive.name} is damaged or no archive ({error})") from error
    except OSError as error:
        if error.errno != errno.EINVAL:  # anything but an offset that no file has
            raise
        raise FetchError(f"{archive.name} is damaged: it points outside itself") from error
    except RuntimeError as error:  # what zipfile raises for encrypted members
        raise FetchError(f"{archive.name} cannot be read ({error})") from error


def _read_zip(archive: Path, wanted: Collection[str], take: Take) -> set[str]:
    with zipfile.ZipFile(archive) as file:
        members = file.infolist()
        _limit(archive, len(members), sum(member.file_size for member in members))
        for member in members:
            kind = stat.S_IFMT(member.external_attr >> 16)
            plain = kind in (0, stat.S_IFREG, stat.S_IFDIR)
            _refuse_hostile(archive, member.orig_filename, plain)
        seen: set[str] = set()
        for member in members:
            if member.filename in wanted and not member.is_dir():
                _once(archive, member.filename, seen)
                with file.open(member) as stream:
                    take(member.filename, stream)
    return seen


class _SmallHeaders(tarfile.TarInfo):
    """Refuses header extensions that are really an attack on our memory."""

    @classmethod
    def frombuf(cls, buf: bytes | bytearray, encoding: str, errors: str) -> _SmallHeaders:
        header = super().frombuf(buf, encoding, errors)
        if header.type in _EXTENSIONS and header.size > MAX_HEADER:
            raise FetchError(f"the archive is refused: a header of {header.size} bytes")
        return header


def _read_tar(archive: Path, wanted: Collection[str], take: Take) -> set[str]:
    seen: set[str] = set()
    unpacked = 0
    with tarfile.open(archive, mode="r|*", tarinfo=_SmallHeaders) as file:
        for count, member in enumerate(file, 1):
            unpacked += member.size
            _limit(archive, count, unpacked)
            plain = member.type in (tarfile.REGTYPE, tarfile.AREGTYPE, tarfile.DIRTYPE)
            _refuse_hostile(archive, member.name, plain)
            if member.name in wanted and not member.isdir():
                _once(archive, member.name, seen)
                stream = file.extractfile(member)
                if stream is not None:
                    take(member.name, stream)
    return seen


def _refuse_hostile(archive: Path, name: str, plain: bool) -> None:
    shown = ascii(name[:100])
    path = PurePosixPath(name)
    if path.is_absolute() or ".." in path.parts or "\\" in name or "\0" in name or ":" in name[:2]:
        raise FetchError(f"{archive.name} is refused: its member {shown} would leave the archive")
    if not plain:
        raise FetchError(f"{archive.name} is refused: its member {shown} is a link or a device")


def _limit(archive: Path, members: int, unpacked: int) -> None:
    if members > MAX_MEMBERS or unpacked > MAX_UNPACKED:
        raise FetchError(
            f"{archive.name} is refused: more than {MAX_MEMBERS} members or {MAX_UNPACKED} bytes"
        )


def _once(archive: Path, name: str, seen: set[str]) -> None:
    if name in seen:
        raise FetchError(f"{archive.name} is refused: it holds {name[:100]!a} twice")
    seen.add(name)
