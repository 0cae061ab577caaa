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
    """Below 0 where it belongs to one person: those lie in a table of their own."""

    text: str
    said_at: str


class Memories:
    """Personal memory: word for word, apart from documents, and really forgotten on request."""

    def __init__(self, file: StoreFile, clock: Clock) -> None:
        self._file = file
        self._clock = clock

    def add(self, text: str, session: str = "", owner: str = "") -> Memory:
        """Remember ``text``, for ``owner`` alone unless that is empty."""
        row = {"text": text, "session": session, "said_at": stamp(self._clock.utc())}
        if owner:
            row["owner"] = owner
        table, sign = ("own_memories", -1) if owner else ("memories", 1)
        added = self._file.write(lambda db: db[table].insert(row).last_pk)
        return Memory(sign * int(added), text, row["said_at"])

    def all(self, person: str = "") -> list[Memory]:
        """What the household remembers, and what is ``person``'s own; newest first."""

        def look(db: Database) -> list[Memory]:
            found = [
                Memory(row["id"], row["text"], row["said_at"])
                for row in db["memories"].rows_where(order_by="id desc")
            ]
            own = [
                Memory(-row["id"], row["text"], row["said_at"])
                for row in db["own_memories"].rows_where("owner = ?", [person], order_by="id desc")
            ]
            if not own:
                return found
            return sorted(own + found, key=lambda one: one.said_at, reverse=True)

        return self._file.read(look)

    def forget(self, ids: list[int]) -> int:
        """Delete memories, their bytes in the file and its copies too; how many there were."""

        def drop(db: Database) -> int:
            statement = "DELETE FROM {} WHERE id = ?"
            return sum(
                db.conn.execute(
                    statement.format("memories" if one > 0 else "own_memories"), [abs(one)]
                ).rowcount
                for one in ids
            )

        return self._file.erase(drop)
