"""Fetched bytes by their hash, kept outside the checkout: a second store fills itself from here.

A blob that is still being fetched is a ``.part`` file that is always a prefix of the content it
will be, so whichever source comes next goes on where the last one stopped: the parts of a file
that was cut in slices, or an address that is asked for the rest.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO

from edgebot.core.errors import FetchError
from edgebot.models.digest import CHUNK, locked, sha256_of, sync_directory
from edgebot.models.entry import FileSpec, Piece

Advance = Callable[[int], None]
"""Told how many bytes of the file are there."""


class BlobCache:
    """Content-addressed files under ``root``. Safe to use from several processes at once."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.downloads = root / "downloads"
        """Where archives lie while files are taken out of them."""

    def find(self, file: FileSpec) -> Path | None:
        """The blob of ``file``, hashed; None when there is none. One that has rotted is removed."""
        path = self._blob(file.sha256)
        with self.lock(file.sha256):
            if path.exists() and sha256_of(path) != file.sha256:
                path.unlink()
            if not path.exists() and self._part(file.sha256).exists():
                with contextlib.suppress(FetchError):  # a run that died before its last step
                    self._complete(file)
        return path if path.exists() else None

    def has(self, file: FileSpec) -> bool:
        """Whether there is a blob of ``file``, without hashing it."""
        return self._blob(file.sha256).exists()

    def path(self, file: FileSpec) -> Path:
        """Where the blob of ``file`` is or would be."""
        return self._blob(file.sha256)

    def holds_some(self, file: FileSpec) -> bool:
        """Whether any bytes of ``file`` were fetched."""
        return self.has(file) or self._part(file.sha256).exists()

    def missing_bytes(self, file: FileSpec) -> int:
        """Bytes of ``file`` that are not here yet, as far as can be told without reading."""
        if self.has(file):
            return 0
        return max(0, file.size - self.length(file))

    def length(self, file: FileSpec) -> int:
        """Bytes of the beginning of ``file`` that lie in its part file."""
        try:
            return self._part(file.sha256).stat().st_size
        except OSError:
            return 0

    def adopt(self, file: FileSpec, verified: Path) -> None:
        """Keep a file that a store already has (by a hard link; not where that is impossible)."""
        blob = self._blob(file.sha256)
        blob.parent.mkdir(parents=True, exist_ok=True)
        try:
            os.link(verified, blob)
        except OSError:
            return  # it is there already, or on another file system

    def lock(
        self, name: str, waiting: Callable[[], None] = lambda: None
    ) -> AbstractContextManager[None]:
        """Be the only process that fetches ``name``."""
        return locked(self.root / "locks" / f"{name}.lock", waiting)

    def add(self, piece: Piece, stream: IO[bytes], advance: Advance = lambda _: None) -> None:
        """Append ``piece`` from ``stream``; does nothing when it is already there.

        Raises :class:`FetchError` when the stream holds anything but the bytes of ``piece``.
        """
        file = piece.file
        with self.lock(file.sha256):
            end = piece.offset + piece.size
            if self.has(file) or (piece.size and self.length(file) >= end):
                return
            with self._grow(file, piece.offset) as part:
                found = _copy(stream, part, piece, advance)
                if found != piece.sha256:
                    part.truncate(piece.offset)
                    raise FetchError(
                        f"{piece.name}: expected SHA-256 {piece.sha256}, found {found}"
                    )
            self._complete(file)

    def resume(self, file: FileSpec, fetch: Callable[[IO[bytes], int], None]) -> None:
        """Let ``fetch(part, length)`` append what comes behind the first ``length`` bytes.

        What was fetched is kept when ``fetch`` raises. Raises :class:`FetchError` when the whole
        has another hash than it must have.
        """
        with self.lock(file.sha256):
            if self.has(file):
                return
            length = self.length(file)
            if length > file.size:
                length = 0
            with self._grow(file, length) as part:
                fetch(part, length)
            self._complete(file)

    @contextmanager
    def _grow(self, file: FileSpec, offset: int) -> Iterator[IO[bytes]]:
        path = self._part(file.sha256)
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("r+b" if path.exists() else "w+b") as part:
            part.seek(0, os.SEEK_END)
            if part.tell() < offset:
                raise FetchError(f"{file.path}: what comes before this part is not there yet")
            part.truncate(offset)
            part.seek(offset)
            try:
                yield part
            finally:
                part.flush()
                os.fsync(part.fileno())

    def _complete(self, file: FileSpec) -> None:
        """Turn the part file into a blob once it has all bytes and the right hash."""
        part, blob = self._part(file.sha256), self._blob(file.sha256)
        if part.stat().st_size < file.size:
            return
        found = sha256_of(part)
        if found != file.sha256:
            part.unlink()
            raise FetchError(f"{file.path}: expected SHA-256 {file.sha256}, found {found}")
        part.chmod(0o444)
        blob.parent.mkdir(parents=True, exist_ok=True)
        part.replace(blob)
        sync_directory(blob.parent)

    def _blob(self, sha256: str) -> Path:
        return self.root / "sha256" / sha256[:2] / sha256

    def _part(self, sha256: str) -> Path:
        return self.root / "parts" / f"{sha256}.part"


def _copy(stream: IO[bytes], part: IO[bytes], piece: Piece, advance: Advance) -> str:
    """Copy ``piece.size`` bytes and return their hash; a longer stream is an error."""
    digest = hashlib.sha256()
    left = piece.size
    while left:
        chunk = stream.read(min(CHUNK, left))
        if not chunk:
            break
        digest.update(chunk)
        part.write(chunk)
        left -= len(chunk)
        advance(part.tell())
    if not left and stream.read(1):
        part.truncate(piece.offset)
        raise FetchError(f"{piece.name}: longer than {piece.size} bytes")
    return digest.hexdigest()
