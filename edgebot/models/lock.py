"""``models.lock``: which files were verified, and how they looked to the file system then.

A file that still has the size, times and inode it had when its hash was found right holds the
same bytes, so an open costs a ``stat`` and not a read of half a gigabyte. ``ctime`` is part of it
because no program can set it back.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from edgebot.models.digest import locked, write_atomically

VERSION = 1

SETTLED_NS = 20_000_000
"""File systems stamp times in ticks of up to 10 ms. A file changed that shortly before it was
hashed could change again without looking different, so its record proves nothing."""


@dataclass(frozen=True, slots=True)
class Record:
    """How a file looked when its hash was taken."""

    sha256: str
    size: int
    mtime_ns: int
    ctime_ns: int
    inode: int
    hashed_ns: int
    """When hashing began, nanoseconds since 1970."""

    def proves(self, sha256: str, now: os.stat_result) -> bool:
        """Whether a file that looks like ``now`` must still have the content ``sha256``."""
        seen = (self.sha256, self.size, self.mtime_ns, self.ctime_ns, self.inode)
        if seen != (sha256, now.st_size, now.st_mtime_ns, now.st_ctime_ns, now.st_ino):
            return False
        return max(self.mtime_ns, self.ctime_ns) < self.hashed_ns - SETTLED_NS


def record(sha256: str, looked: os.stat_result, hashed_ns: int) -> Record:
    """The record of a file that looked like ``looked`` just before it was hashed."""
    return Record(
        sha256, looked.st_size, looked.st_mtime_ns, looked.st_ctime_ns, looked.st_ino, hashed_ns
    )


def settle(path: Path) -> None:
    """Wait until a record of ``path`` can prove something (20 ms after its last change)."""
    left_ns = path.stat().st_ctime_ns + 2 * SETTLED_NS - time.time_ns()
    if 0 < left_ns <= 2 * SETTLED_NS:
        time.sleep(left_ns / 1e9)


class LockFile:
    """The lock file of one store. Several processes may write it at once."""

    def __init__(self, path: Path, guard: Path) -> None:
        self._path = path
        self._guard = guard

    def records(self, model_id: str) -> dict[str, Record]:
        """What is known of the files of ``model_id``; may be empty."""
        files = self._read().get(model_id, {}).get("files", {})
        try:
            return {path: Record(**fields) for path, fields in files.items()}
        except (TypeError, AttributeError):
            return {}

    def update(self, model_id: str, records: dict[str, Record], **about: Any) -> None:
        """Note ``records`` and whatever else is to be remembered about ``model_id``.

        Raises ``OSError`` when the store cannot be written.
        """
        with locked(self._guard):
            models = self._read()
            entry = models.setdefault(model_id, {})
            entry.update(about)
            entry["files"] = {path: asdict(records[path]) for path in sorted(records)}
            self._write(models)

    def forget(self, model_id: str) -> None:
        """Drop what is known about ``model_id``."""
        with locked(self._guard):
            models = self._read()
            if models.pop(model_id, None) is not None:
                self._write(models)

    def _read(self) -> dict[str, Any]:
        try:
            content = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}  # what is not there or not readable proves nothing; files are hashed again
        models = content.get("models") if isinstance(content, dict) else None
        if not isinstance(models, dict) or content.get("version") != VERSION:
            return {}
        return {name: entry for name, entry in models.items() if isinstance(entry, dict)}

    def _write(self, models: dict[str, Any]) -> None:
        content = {"version": VERSION, "models": dict(sorted(models.items()))}
        write_atomically(self._path, (json.dumps(content, indent=1) + "\n").encode())
