"""Rotating copies of a SQLite file, each checked before it counts."""

from __future__ import annotations

import os
import shutil
import sqlite3
from pathlib import Path


class Backups:
    """The last good copies of one database, ``NAME.backup-1`` being the newest.

    Callers see to it that only one process at a time takes or restores.
    """

    def __init__(self, path: Path, keep: int = 3) -> None:
        self._path = path
        self._keep = keep

    @property
    def files(self) -> list[Path]:
        """Where the copies lie, newest first, there or not."""
        return [
            self._path.with_name(f"{self._path.name}.backup-{n}") for n in range(1, self._keep + 1)
        ]

    def take(self, conn: sqlite3.Connection) -> bool:
        """Copy the database of ``conn`` by SQLite's own backup interface; False when current."""
        if not self._keep or _revision_of(self.files[0]) == revision(conn):
            return False
        draft = self._path.with_name(f"{self._path.name}.backup-new")
        draft.unlink(missing_ok=True)
        copy = sqlite3.connect(draft, isolation_level=None)
        try:
            draft.chmod(0o600)
            conn.backup(copy)
            # A copy in WAL mode would drag -wal and -shm files along.
            copy.execute("PRAGMA journal_mode=DELETE")
            check(copy)
        finally:
            copy.close()
        _sync(draft)
        files = self.files
        for older, newer in zip(reversed(files[1:]), reversed(files[:-1]), strict=True):
            if newer.exists():
                newer.replace(older)
        draft.replace(files[0])
        _sync(self._path.parent)
        return True

    def discard(self) -> None:
        """Delete all copies, oldest first."""
        for file in reversed(self.files):
            file.unlink(missing_ok=True)

    def restore(self) -> Path | None:
        """Put the newest whole copy where the database was; None when there is none."""
        for file in self.files:
            if _revision_of(file) is None:
                continue
            draft = self._path.with_name(f"{self._path.name}.restoring")
            shutil.copyfile(file, draft)
            _sync(draft)
            draft.replace(self._path)
            _sync(self._path.parent)
            return file
        return None


def check(conn: sqlite3.Connection) -> None:
    """Raise ``sqlite3.DatabaseError`` (corrupt) when the database of ``conn`` is not whole."""
    found = conn.execute("PRAGMA quick_check(1)").fetchone()
    if found is None or found[0] != "ok":
        error = sqlite3.DatabaseError(str(found[0]) if found else "nothing can be read")
        error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise error


def revision(conn: sqlite3.Connection) -> int:
    """How often the database was written to."""
    return int(conn.execute("SELECT n FROM revision").fetchone()[0])


def _revision_of(file: Path) -> int | None:
    """The revision of a copy; None when it is absent or not whole."""
    if not file.is_file():
        return None
    conn = sqlite3.connect(f"file:{file}?mode=ro&immutable=1", uri=True)
    try:
        check(conn)
        return revision(conn)
    except sqlite3.DatabaseError:
        return None
    finally:
        conn.close()


def _sync(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
