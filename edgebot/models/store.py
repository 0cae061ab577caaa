"""Model files on this machine, and the only way to them: verified, or not at all."""

from __future__ import annotations

import logging
import os
import shutil
import time
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, TypeAlias

from edgebot.core.errors import ModelCorrupt, ModelMissing
from edgebot.models.built import check_signature, is_built, opened
from edgebot.models.catalog import Catalog
from edgebot.models.digest import locked, sha256_of, sync_directory, writing
from edgebot.models.entry import Entry, FileSpec
from edgebot.models.lock import LockFile, Record, record, settle

State: TypeAlias = Literal["ready", "missing", "corrupt", "partial"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Installed:
    """A model whose files were found and verified."""

    entry: Entry
    dir: Path
    files: Mapping[str, Path]
    """Role → file or directory."""

    @property
    def id(self) -> str:
        """Catalogue id."""
        return self.entry.id


@dataclass(frozen=True, slots=True)
class Finding:
    """What is wrong with one file of a model."""

    path: Path
    kind: Literal["missing", "corrupt"]
    expected: str
    """SHA-256 and size that the catalogue promises."""

    found: str


class ModelStore:
    """The directory with a directory a model. Safe to use from several processes at once."""

    def __init__(self, root: Path, catalog: Catalog) -> None:
        self.root = root
        self.catalog = catalog
        self._plain: dict[Path, Path] = {}
        self._lock = LockFile(root / "models.lock", root / ".locks" / "models.lock")

    def directory(self, model_id: str) -> Path:
        """Where the files of ``model_id`` are or would be."""
        return self.root / self.catalog[model_id].id

    def open(self, model_id: str) -> Installed:
        """The verified files of ``model_id``.

        Files that changed since they were last verified are hashed again first. Raises
        :class:`ModelMissing` or :class:`ModelCorrupt`, naming the file, the expected and found
        hash and the command that mends it; :class:`Untrusted` for a built model whose signature
        does not fit.
        """
        installed, told = self._checked(self.catalog[model_id])
        if not told.get("sealed"):
            return installed
        files = opened(installed.files, told, self._plain)
        return Installed(installed.entry, installed.dir, files)

    def _checked(self, entry: Entry) -> tuple[Installed, Mapping[str, Any]]:
        """The files of ``entry`` and, if it was built, its manifest; sealed files stay sealed."""
        folder = self.directory(entry.id)
        # Who made it comes before what is in it: nothing of an unknown maker is even hashed.
        built = is_built(entry) and folder.exists()
        told = check_signature(entry, folder, self.root) if built else {}
        findings = self.verify(entry.id)
        if findings:
            raise _error(entry, findings, folder.exists())
        return self._installed(entry), told

    def verify(self, model_id: str, *, again: bool = False) -> list[Finding]:
        """What is wrong with the files of ``model_id``; hashes all of them when ``again``."""
        entry = self.catalog[model_id]
        known = {} if again else self._lock.records(entry.id)
        fresh: dict[str, Record] = {}
        findings = []
        for file in entry.files:
            finding = self._check(entry, file, known, fresh)
            if finding:
                findings.append(finding)
        findings += self._strangers(entry)
        if fresh and not findings:
            self._remember(entry, {**known, **fresh})
        return findings

    def state(self, model_id: str) -> State:
        """In one word; ``partial`` when some files are there and right and others are not there."""
        findings = self.verify(model_id)
        if not findings:
            return "ready"
        if any(finding.kind == "corrupt" for finding in findings):
            return "corrupt"
        return "missing" if len(findings) == len(self.catalog[model_id].files) else "partial"

    def lock(
        self, model_id: str, waiting: Callable[[], None] = lambda: None
    ) -> AbstractContextManager[None]:
        """Be the only one who changes ``model_id``; ``waiting`` is called when that takes time."""
        return locked(self.root / ".locks" / f"{self.catalog[model_id].id}.lock", waiting)

    def install(self, entry: Entry, blobs: Mapping[str, Path], sources: list[str]) -> Installed:
        """Make ``entry`` appear, whole: its files linked (or copied) from ``blobs`` (by path).

        The caller holds :meth:`lock`. Raises :class:`ModelCorrupt` when the disk returns other
        bytes than were put on it.
        """
        staging = self.root / f".staging-{entry.id}"
        target = self.directory(entry.id)
        with writing(self.root):
            shutil.rmtree(staging, ignore_errors=True)
            for path, blob in blobs.items():
                _place(blob, staging / path)
            for folder in {staging, *(file.parent for file in map(staging.joinpath, blobs))}:
                sync_directory(folder)
            old = self.root / f".old-{entry.id}"
            shutil.rmtree(old, ignore_errors=True)
            if target.exists():
                target.rename(old)
            staging.rename(target)
            sync_directory(self.root)
            shutil.rmtree(old, ignore_errors=True)
            for path in blobs:
                settle(target / path)
            self._lock.forget(entry.id)
            installed, _ = self._checked(entry)
            fetched = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
            records = self._lock.records(entry.id)
            self._lock.update(entry.id, records, fetched=fetched, sources=sources)
        return installed

    def _installed(self, entry: Entry) -> Installed:
        folder = self.directory(entry.id)
        files = {file.role: folder / file.path for file in entry.files if file.role}
        files |= {
            role: folder if path == "." else folder / path for role, path in entry.roles.items()
        }
        return Installed(entry, folder, files)

    def _check(
        self,
        entry: Entry,
        file: FileSpec,
        known: Mapping[str, Record],
        fresh: dict[str, Record],
    ) -> Finding | None:
        path = self.directory(entry.id) / file.path
        expected = f"{file.sha256} ({file.size} bytes)"
        try:
            looks = path.stat()
            if file.path in known and known[file.path].proves(file.sha256, looks):
                return None
            hashed_ns = time.time_ns()
            found = sha256_of(path)
        except (FileNotFoundError, NotADirectoryError):
            return Finding(path, "missing", expected, "no file")
        except OSError as error:
            return Finding(path, "corrupt", expected, f"unreadable ({error.strerror or error})")
        if found != file.sha256:
            return Finding(path, "corrupt", expected, f"{found} ({looks.st_size} bytes)")
        fresh[file.path] = record(found, looks, hashed_ns)
        return None

    def _strangers(self, entry: Entry) -> list[Finding]:
        """Files the catalogue does not know in directories that an engine reads as a whole."""
        folder = self.directory(entry.id)
        known = {folder / file.path for file in entry.files}
        findings = []
        for inner in entry.roles.values():
            for path in sorted((folder / inner).rglob("*")):
                if path not in known and not path.is_dir():
                    findings.append(Finding(path, "corrupt", "no such file", "a file"))
        return findings

    def _remember(self, entry: Entry, records: dict[str, Record]) -> None:
        try:
            self._lock.update(entry.id, records)
        except OSError as error:  # a store owned by somebody else: right, only slower next time
            log.info("%s cannot be written (%s); files are hashed at each start", self.root, error)


def _place(blob: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(blob, target)
    except OSError:  # another file system, or one without hard links
        with target.open("wb") as file, blob.open("rb") as source:
            shutil.copyfileobj(source, file, 1 << 20)
            file.flush()
            os.fsync(file.fileno())
        target.chmod(0o444)


def _error(entry: Entry, findings: list[Finding], there: bool) -> ModelMissing | ModelCorrupt:
    step = f"run `edgebot models pull {entry.id}`"
    if not there:
        return ModelMissing(f"model {entry.id} is not on this machine; {step}")
    worst = next((finding for finding in findings if finding.kind == "corrupt"), findings[0])
    kind = ModelCorrupt if worst.kind == "corrupt" else ModelMissing
    more = f" ({len(findings) - 1} more like this)" if len(findings) > 1 else ""
    return kind(
        f"model {entry.id}: {worst.path} is {worst.kind}{more}\n"
        f"  expected SHA-256 {worst.expected}\n"
        f"  found            {worst.found}\n"
        f"{step}"
    )
