"""What edgebot keeps about people, and how it is removed for good."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgebot.config import paths
from edgebot.config.settings import Settings
from edgebot.core.errors import StoreError, UsageError
from edgebot.dialogue.clock import SystemClock
from edgebot.dialogue.store.store import FILE, Store
from edgebot.dialogue.turnlog import turns_file
from edgebot.knowledge.store import KnowledgeStore
from edgebot.runtime.documents import file_of, uploads_dir
from edgebot.runtime.live.instance import running
from edgebot.runtime.live.starting import ledger_file
from edgebot.runtime.voice_store import voices_file
from edgebot.runtime.wake_scores import scores_file

TABLES: Mapping[str, tuple[str, ...]] = {
    "promises": ("rings", "promises"),
    "lists": ("items", "lists", "own_items", "own_lists"),
    "memory": ("memories", "own_memories"),
}
"""What can be wiped from the store → its tables, in the order they are emptied."""

SINCE = {
    "lists": "created_at",
    "own_lists": "created_at",
    "memories": "said_at",
    "own_memories": "said_at",
}
"""Tables that tell since when something is kept → the column that does."""

OWNED = ("own_lists", "own_memories")
"""Tables whose rows belong to one person each."""


@dataclass(frozen=True, slots=True)
class Kept:
    """One kind of thing that is kept."""

    what: str
    path: Path
    holds: str
    """What is in it, in words."""

    entries: int
    size_bytes: int
    since: str
    """When the oldest entry is from, ISO 8601; empty when that is not noted."""

    retention: str

    def as_json(self) -> dict[str, Any]:
        """As JSON values."""
        return {
            "what": self.what, "path": str(self.path), "holds": self.holds,
            "entries": self.entries, "size_bytes": self.size_bytes, "since": self.since,
            "retention": self.retention,
        }  # fmt: skip


def report(settings: Settings) -> list[Kept]:
    """Everything that is kept; nothing is created by looking. Raises ``StoreError``."""
    wanted = settings.dialogue
    words = (
        f"with words; those go after {wanted.keep_words_days:g} days"
        if wanted.keep_words
        else "without words"
    )
    cache = paths.cache_dir()
    return [
        *_in_store(settings),
        _file("turns", turns_file(settings.state_dir), f"decisions of the last turns, {words}",
              f"the last {wanted.keep_turns} turns"),
        _file("ledger", ledger_file(settings), "times of the last turns, no words",
              f"the last {settings.listening.keep_records} turns"),
        _voices(voices_file(settings.state_dir)),
        _file("wake scores", scores_file(settings.state_dir), "scores of wakings, no sound",
              "the newest ones"),
        _documents(file_of(settings)),
        _folder("uploads", uploads_dir(settings), "documents as they came in over the network",
                "until removed"),
        _folder("language model state", cache / "prompts",
                "the instructions of the language model, nothing that was said",
                "until the model or its instructions change"),
    ]  # fmt: skip


def wipe(settings: Settings, kinds: Iterable[str]) -> list[str]:
    """Remove ``kinds`` (of :data:`KINDS`) for good; what was removed, in words.

    The store may be in use: it is emptied in one transaction, and overwritten in the file, its
    log and its backups. Raises ``UsageError`` for what a running daemon holds in memory, and
    ``StoreError``.
    """
    kinds = list(dict.fromkeys(kinds))
    held = [kind for kind in kinds if kind in HELD]
    if held and (process := running(settings.state_dir)) is not None:
        raise UsageError(
            f"edgebot is running (process {process}) and holds {', '.join(held)} in memory; stop "
            "it first (`systemctl stop edgebot`), then wipe again"
        )
    return [KINDS[kind](settings) for kind in kinds]


def _wipe_store(kind: str) -> Callable[[Settings], str]:
    tables = TABLES[kind]

    def empty(db: Any) -> int:
        return sum(db.conn.execute(f"DELETE FROM {table}").rowcount for table in tables)

    return lambda settings: f"{kind}: {_erase(settings, empty)}"


def wipe_person(settings: Settings, person: str) -> str:
    """Remove for good what belongs to ``person`` alone; what was removed, in words."""

    def empty(db: Any) -> int:
        count = _count_owned(db, person)
        for table in OWNED:  # what is on their lists goes with them
            db.conn.execute(f"DELETE FROM {table} WHERE owner = ?", [person])
        return count

    return f"{person}: {_erase(settings, empty)}"


def owned_by(settings: Settings, person: str) -> int:
    """How many lists and memories belong to ``person`` alone."""
    if not (settings.state_dir / FILE).is_file():
        return 0
    store = Store(settings.state_dir, SystemClock(settings.time_zone))
    try:
        return store.file.read(lambda db: _count_owned(db, person))
    finally:
        store.close()


def _count_owned(db: Any, person: str) -> int:
    return sum(db[table].count_where("owner = ?", [person]) for table in OWNED)


def _erase(settings: Settings, empty: Callable[[Any], int]) -> str:
    """Do ``empty`` so that nothing of it is left in the file, its log and its copies."""
    if not (settings.state_dir / FILE).is_file():
        return "nothing was kept"
    store = Store(settings.state_dir, SystemClock(settings.time_zone))
    try:
        count = store.file.erase(empty)
        store.file.compact()
    finally:
        store.close()
    for copy in settings.state_dir.glob(f"{FILE}.damaged-*"):
        copy.unlink(missing_ok=True)
    return f"{count} entries removed"


def _wipe_turns(settings: Settings) -> str:
    files = [turns_file(settings.state_dir), ledger_file(settings), scores_file(settings.state_dir)]
    return _remove("turns", [file for file in files if file is not None])


def _wipe_voices(settings: Settings) -> str:
    return _remove("voices", [voices_file(settings.state_dir)])


def _remove(kind: str, files: Iterable[Path]) -> str:
    """Overwrite and delete; on flash memory the old blocks are the drive's to reuse."""
    gone = [file for file in files if file.is_file()]
    for file in gone:
        try:
            with file.open("r+b") as content:
                content.write(bytes(file.stat().st_size))
                content.flush()
                os.fsync(content.fileno())
            file.unlink()
        except OSError as error:
            raise StoreError(
                f"{file}: cannot be removed ({error}); see `edgebot doctor`"
            ) from error
    return f"{kind}: {len(gone)} files removed"


KINDS: Mapping[str, Callable[[Settings], str]] = {
    "turns": _wipe_turns,
    "memory": _wipe_store("memory"),
    "lists": _wipe_store("lists"),
    "promises": _wipe_store("promises"),
    "voices": _wipe_voices,
}
"""What can be wiped → what does it."""

HELD = frozenset({"turns", "voices"})
"""Kinds that a running daemon has in memory and would write again."""


def _in_store(settings: Settings) -> list[Kept]:
    path = settings.state_dir / FILE
    week = "until done, then 7 days"
    told = {
        "promises": ("timers, alarms and reminders with their names", week),
        "lists": ("lists and what is on them, the household's and people's own", "until removed"),
        "memory": (
            "what you asked to be remembered, word for word; of whom, where voices are told apart",
            "until forgotten",
        ),
        "volume": ("volume and other small values", "until changed"),
    }
    if not path.is_file():
        return [Kept(what, path, holds, 0, 0, "", keep) for what, (holds, keep) in told.items()]
    store = Store(settings.state_dir, SystemClock(settings.time_zone))
    try:
        counts = store.file.read(_counts)
    finally:
        store.close()
    size = sum(part.stat().st_size for part in path.parent.glob(f"{FILE}*") if part.is_file())
    return [
        Kept(what, path, holds, counts[what][0], size, counts[what][1], keep)
        for what, (holds, keep) in told.items()
    ]


def _counts(db: Any) -> dict[str, tuple[int, str]]:
    found = {"volume": (db["preferences"].count, "")}
    for what, tables in TABLES.items():
        since = [
            db.execute(f"SELECT min({SINCE[table]}) FROM {table}").fetchone()[0]
            for table in tables
            if table in SINCE
        ]
        oldest = min((one for one in since if one), default="")
        found[what] = (sum(db[table].count for table in tables), str(oldest))
    return found


def _file(what: str, path: Path | None, holds: str, retention: str) -> Kept:
    if path is None or not path.is_file():
        return Kept(what, path or Path(), holds, 0, 0, "", retention)
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines()
    since = ""
    if lines:
        try:
            since = str(json.loads(lines[0]).get("at", ""))
        except (ValueError, AttributeError):
            since = ""
    return Kept(what, path, holds, len(lines), path.stat().st_size, since, retention)


def _voices(path: Path) -> Kept:
    holds = "names and voice prints of enrolled people, no sound"
    if not path.is_file():
        return Kept("voices", path, holds, 0, 0, "", "until removed")
    try:
        count = len(json.loads(path.read_bytes())["voices"])
    except (ValueError, KeyError, TypeError):
        count = 0
    return Kept("voices", path, holds, count, path.stat().st_size, "", "until removed")


def _documents(path: Path) -> Kept:
    holds = "documents you imported, and those that edgebot ships"
    if not path.is_file():
        return Kept("documents", path, holds, 0, 0, "", "until removed")
    store = KnowledgeStore(path)
    try:
        documents = store.documents()
    finally:
        store.close()
    since = min((str(one["imported_at"]) for one in documents), default="")
    return Kept(
        "documents", path, holds, len(documents), path.stat().st_size, since, "until removed"
    )


def _folder(what: str, path: Path, holds: str, retention: str) -> Kept:
    files = [one for one in path.rglob("*") if one.is_file()] if path.is_dir() else []
    return Kept(what, path, holds, len(files), sum(f.stat().st_size for f in files), "", retention)
