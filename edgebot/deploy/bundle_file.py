"""Writing and reading bundle files; what a manifest says is in ``bundle_format``."""

from __future__ import annotations

import hashlib
import os
import tarfile
import zlib
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import IO

from edgebot.core.errors import BundleError
from edgebot.deploy.bundle_format import (
    MANIFEST,
    MANIFEST_BYTES,
    OBJECTS,
    SIGNATURE,
    Entry,
    Manifest,
    Stored,
)
from edgebot.models.digest import CHUNK, sync_directory

SIGNATURE_BYTES = 1 << 16
WORTH = 0.9
"""An object is packed when that makes it smaller than this share of its size."""


def packing(content: bytes) -> Stored:
    """How ``content`` (or the beginning of it) is best stored."""
    return "zlib" if len(zlib.compress(content, 6)) < WORTH * len(content) else "plain"


def write_bundle(
    out: Path,
    manifest: Manifest,
    signature: bytes,
    sources: Mapping[str, Path | bytes],
    advance: Callable[[int], None] = lambda done: None,
) -> None:
    """Write the bundle; ``sources`` gives the content of each object by its SHA-256.

    The same arguments give the same bytes. ``advance`` is told the bytes read so far. Raises
    :class:`BundleError` when a source has changed since it was hashed. Nothing is left at
    ``out`` unless the bundle is whole.
    """
    temporary = out.with_name(f".{out.name}.{os.getpid()}.tmp")
    content = manifest.to_bytes()
    done = 0
    try:
        with temporary.open("wb") as file:
            with tarfile.open(fileobj=file, mode="w", format=tarfile.PAX_FORMAT) as tar:
                _add(tar, MANIFEST, content, manifest.created)
                _add(tar, SIGNATURE, signature, manifest.created)
                for sha256, entry in manifest.objects().items():
                    stored = _stored(sources[sha256], entry, advance, done)
                    _add(tar, OBJECTS + sha256, stored, manifest.created)
                    done += entry.size
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(out)
        sync_directory(out.parent)
    finally:
        temporary.unlink(missing_ok=True)


def _add(tar: tarfile.TarFile, name: str, content: bytes | Path, created: int) -> None:
    member = tarfile.TarInfo(name)
    member.mtime, member.mode = created, 0o644
    if isinstance(content, bytes):
        member.size = len(content)
        tar.addfile(member, BytesIO(content))
        return
    member.size = content.stat().st_size
    with content.open("rb") as file:
        tar.addfile(member, file)


def _stored(
    source: Path | bytes, entry: Entry, advance: Callable[[int], None], done: int
) -> bytes | Path:
    """The object as it lies in the bundle, after checking that it is what the manifest says."""
    digest, packer, packed = hashlib.sha256(), zlib.compressobj(6), []
    with BytesIO(source) if isinstance(source, bytes) else source.open("rb") as file:
        while block := file.read(CHUNK):
            digest.update(block)
            if entry.stored == "zlib":
                packed.append(packer.compress(block))
            done += len(block)
            advance(done)
    if digest.hexdigest() != entry.sha256:
        raise BundleError(f"{entry.path} was changed while the bundle was made; make it again")
    return source if entry.stored == "plain" else b"".join([*packed, packer.flush()])


class BundleReader:
    """A bundle that is open for reading. Nothing in it is trusted before it was checked.

    ``manifest_bytes`` and ``signature`` are for ``edgebot.models.signatures.verify``.
    """

    def __init__(self, path: Path) -> None:
        """Read the manifest; raises :class:`BundleError`."""
        self.path = path
        try:
            self._tar = tarfile.open(path, mode="r:")  # noqa: SIM115 - closed by __exit__
        except (OSError, tarfile.TarError) as error:
            raise BundleError(f"{path}: no bundle can be read here ({error})") from None
        try:
            self.manifest_bytes = self._first(MANIFEST, MANIFEST_BYTES)
            self.signature = self._first(SIGNATURE, SIGNATURE_BYTES)
            self.manifest = Manifest.from_bytes(self.manifest_bytes)
        except BaseException:
            self._tar.close()
            raise
        self._members: dict[str, tarfile.TarInfo] = {}

    def __enter__(self) -> BundleReader:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._tar.close()

    def _first(self, name: str, most: int) -> bytes:
        with self._readable():
            member = self._tar.next()
            if member is None or member.name != name or not member.isfile() or member.size > most:
                raise BundleError(f"{self.path}: {name} is not where a bundle has it; copy it anew")
            file = self._tar.extractfile(member)
            assert file is not None
            content = file.read()
        if len(content) != member.size:
            raise BundleError(f"{self.path} is cut off; copy it anew")
        return content

    @contextmanager
    def _readable(self) -> Iterator[None]:
        try:
            yield
        except (OSError, EOFError, tarfile.TarError) as error:
            raise BundleError(f"{self.path} is damaged or cut off ({error})") from None

    def stored(self, sha256: str) -> IO[bytes]:
        """The object as it lies in the bundle, for sending it on (``Entry.stored`` says how)."""
        if not self._members:
            with self._readable():
                self._members = {m.name: m for m in self._tar.getmembers() if m.isfile()}
        member = self._members.get(OBJECTS + sha256)
        file = self._tar.extractfile(member) if member else None
        if file is None:
            raise BundleError(f"{self.path} lacks object {sha256}; copy it anew")
        return file

    def blocks(self, entry: Entry) -> Iterator[bytes]:
        """The content of ``entry`` as it lies on the board, checked.

        Raises :class:`BundleError` as soon as it is longer than promised, and at the end when
        its hash is another one: use what was read only after the last block.
        """
        digest, size = hashlib.sha256(), 0
        with self._readable():
            for block in unpack(self.stored(entry.sha256), entry.stored):
                size += len(block)
                if size > entry.size:
                    break
                digest.update(block)
                yield block
        if size != entry.size or digest.hexdigest() != entry.sha256:
            raise BundleError(
                f"{self.path}: {entry.path} is not what the manifest promises; copy it anew"
            )

    def verify(self, advance: Callable[[int], None] = lambda done: None) -> None:
        """Read every object and check it; raises :class:`BundleError`."""
        done = 0
        for entry in self.manifest.objects().values():
            for block in self.blocks(entry):
                done += len(block)
                advance(done)


def unpack(file: IO[bytes], stored: Stored) -> Iterator[bytes]:
    """Content of a stored object in blocks of at most :data:`CHUNK` bytes."""
    unpacker = zlib.decompressobj()
    while block := file.read(CHUNK):
        if stored == "plain":
            yield block
            continue
        while block and not unpacker.eof:
            try:
                content = unpacker.decompress(block, CHUNK)
            except zlib.error as error:
                raise BundleError(f"an object of the bundle is damaged ({error})") from None
            block = unpacker.unconsumed_tail
            if content:
                yield content
    if rest := unpacker.flush():
        yield rest
