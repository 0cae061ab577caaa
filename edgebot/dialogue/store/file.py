"""One SQLite file, opened safely: checked, migrated, backed up, and replaced when it is broken."""

from __future__ import annotations

import fcntl
import logging
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from sqlite_utils import Database

from edgebot.core.errors import StoreError
from edgebot.dialogue.store import backups
from edgebot.dialogue.store.migrations import migrations

log = logging.getLogger(__name__)
T = TypeVar("T")

BUSY_S = 10.0
KEPT_ASIDE = 3
"""Damaged files that are kept for somebody to look at."""

_BROKEN = {sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB}


class StoreFile:
    """Runs work on the database inside transactions. Safe from any thread and process.

    Opened at the first use. Every write is on the disk (WAL, ``synchronous=FULL``) before
    :meth:`write` returns. A damaged file is set aside and the newest good backup takes its place;
    what happened is in :attr:`notices`.
    """

    def __init__(self, path: Path, backup_every_s: float = 300.0, keep: int = 3) -> None:
        self.path = path
        self.notices: list[str] = []
        """What a person should know about the file, newest last."""

        self._backups = backups.Backups(path, keep)
        self._backup_every_s = backup_every_s
        self._backed_up_s = -float("inf")
        self._lock = threading.RLock()
        self._db: Database | None = None
        self._inode = 0

    def read(self, work: Callable[[Database], T]) -> T:
        """The result of ``work`` on one consistent state; raises ``StoreError``."""
        return self._transact("BEGIN", work)

    def write(self, work: Callable[[Database], T]) -> T:
        """The result of ``work``, kept for good when this returns; raises ``StoreError``."""
        result = self._transact("BEGIN IMMEDIATE", work, counted=True)
        with self._lock:
            if time.monotonic() - self._backed_up_s >= self._backup_every_s:
                self.backup()
        return result

    def erase(self, work: Callable[[Database], T]) -> T:
        """Like :meth:`write`, for what is to be gone for good: from the log and the copies too."""
        result = self.write(work)
        with self._lock:
            if self._db is not None:
                self._db.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
                with self._exclusive():
                    self._backups.discard()
                self.backup()
        return result

    def compact(self) -> None:
        """Give back the room of what was deleted: in the file, its log and its copies."""
        with self._lock:
            if self._db is None:
                return
            try:
                self._db.conn.execute("VACUUM")
                self._db.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            except sqlite3.OperationalError as error:  # in use; it is overwritten anyway
                log.info("%s: not compacted (%s)", self.path, error)

    def backup(self) -> None:
        """Copy the file beside itself when it has changed since the last copy."""
        with self._lock:
            self._backed_up_s = time.monotonic()
            if self._db is None:
                return
            try:
                with self._exclusive():
                    self._backups.take(self._db.conn)
            except (OSError, sqlite3.Error, StoreError) as error:
                log.warning("%s: no backup could be made (%s)", self.path, error)

    def close(self) -> None:
        """Back up and close."""
        with self._lock:
            if self._db is not None:
                self.backup()
                self._db.close()
                self._db = None

    def _transact(self, begin: str, work: Callable[[Database], T], counted: bool = False) -> T:
        with self._lock:
            for last_try in (False, True):
                try:
                    return self._once(begin, work, counted)
                except sqlite3.Error as error:
                    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
                    if code not in _BROKEN or last_try:
                        raise StoreError(
                            f"{self.path}: {error}; see `edgebot doctor` for space and rights"
                        ) from error
                    self._drop()
        raise AssertionError("unreachable")

    def _once(self, begin: str, work: Callable[[Database], T], counted: bool) -> T:
        db = self._connection()
        db.conn.execute(begin)
        try:
            result = work(db)
            if counted:
                db.conn.execute("UPDATE revision SET n = n + 1")
            db.conn.execute("COMMIT")
        except BaseException:
            if db.conn.in_transaction:
                db.conn.execute("ROLLBACK")
            raise
        return result

    def _connection(self) -> Database:
        """The open database, reopened when another process has put a restored file in place."""
        if self._db is not None and self._inode != _inode(self.path):
            self._drop()
        if self._db is None:
            try:
                self.path.parent.mkdir(parents=True, exist_ok=True)
                with self._exclusive():
                    self._open()
            except OSError as error:
                raise StoreError(
                    f"{self.path}: cannot be opened ({error}); name a directory that can be "
                    "written with EDGEBOT_STATE_DIR or `state_dir`"
                ) from error
        assert self._db is not None
        return self._db

    def _open(self) -> None:
        existed = self.path.exists()
        try:
            self._db = self._connect()
        except sqlite3.DatabaseError as error:
            if getattr(error, "sqlite_errorcode", 0) & 0xFF not in _BROKEN:
                raise
            self._replace(str(error))
            self._db = self._connect()
        self._inode = _inode(self.path)
        if existed:
            self._backups.take(self._db.conn)
            self._backed_up_s = time.monotonic()

    def _connect(self) -> Database:
        conn = sqlite3.connect(
            self.path, timeout=BUSY_S, isolation_level=None, check_same_thread=False
        )
        try:
            self.path.chmod(0o600)
            for pragma in (
                "journal_mode=WAL",
                "synchronous=FULL",
                "foreign_keys=ON",
                "secure_delete=ON",
            ):
                conn.execute(f"PRAGMA {pragma}")
            backups.check(conn)
            db = Database(conn, execute_plugins=False)
            migrations.apply(db)
        except BaseException:
            conn.close()
            raise
        return db

    def _drop(self) -> None:
        """Forget a connection without trusting it any more."""
        if self._db is not None:
            try:
                self._db.conn.close()
            except sqlite3.Error as error:
                log.debug("closing a broken database: %s", error)
            self._db = None

    def _replace(self, why: str) -> None:
        """Set the damaged file aside and put the newest good backup in its place."""
        stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%f")
        aside = self.path.with_name(f"{self.path.name}.damaged-{stamp}")
        for ending in ("", "-wal", "-shm"):
            part = self.path.with_name(self.path.name + ending)
            if part.exists():
                part.rename(aside.with_name(aside.name + ending))
        for older in sorted(self.path.parent.glob(f"{self.path.name}.damaged-*"))[
            : -3 * KEPT_ASIDE
        ]:
            older.unlink(missing_ok=True)
        restored = self._backups.restore()
        what = f"the backup {restored.name} took its place" if restored else "an empty one is used"
        self.notices.append(f"{self.path} is damaged ({why}); it was kept as {aside.name}, {what}")
        log.error("%s", self.notices[-1])

    @contextmanager
    def _exclusive(self) -> Iterator[None]:
        """Only one process opens, replaces or backs up at a time; ends with the process."""
        with self.path.with_name(self.path.name + ".lock").open("a") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            yield


def _inode(path: Path) -> int:
    try:
        return path.stat().st_ino
    except FileNotFoundError:
        return -1
