"""What people asked to be remembered."""

from __future__ import annotations

from dataclasses import dataclass

from sqlite_utils import Database

from edgebot.dialogue.clock import Clock
from edgebot.dialogue.store.file import StoreFile
from edgebot.dialogue.store.promises import stamp


@dataclass(frozen=True, slots=True)
class Memory:
    """One thing to remember, as it was said."""

    id: int
    text: str
    said_at: str


class Memories:
    """Personal memory: word for word, apart from documents, and really forgotten on request."""

    def __init__(self, file: StoreFile, clock: Clock) -> None:
        self._file = file
        self._clock = clock

    def add(self, text: str, session: str = "") -> Memory:
        """Remember ``text``."""
        row = {"text": text, "session": session, "said_at": stamp(self._clock.utc())}
        added = self._file.write(lambda db: db["memories"].insert(row).last_pk)
        return Memory(int(added), text, row["said_at"])

    def all(self) -> list[Memory]:
        """Everything, newest first."""
        return self._file.read(
            lambda db: [
                Memory(row["id"], row["text"], row["said_at"])
                for row in db["memories"].rows_where(order_by="id desc")
            ]
        )

    def forget(self, ids: list[int]) -> int:
        """Delete memories, their bytes in the file and its copies too; how many there were."""

        def drop(db: Database) -> int:
            statement = "DELETE FROM memories WHERE id = ?"
            return sum(db.conn.execute(statement, [memory_id]).rowcount for memory_id in ids)

        return self._file.erase(drop)
