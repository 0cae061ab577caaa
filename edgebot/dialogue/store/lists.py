"""Shopping and other lists."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlite_utils import Database

from edgebot.dialogue.clock import Clock
from edgebot.dialogue.store.file import StoreFile
from edgebot.dialogue.store.promises import stamp


@dataclass(frozen=True, slots=True)
class Item:
    """One thing on a list."""

    text: str
    checked: bool = False


class Lists:
    """Named lists of items; names and items compare without regard to case."""

    def __init__(self, file: StoreFile, clock: Clock) -> None:
        self._file = file
        self._clock = clock

    def names(self) -> list[str]:
        """All lists, oldest first."""
        return self._file.read(
            lambda db: [row["name"] for row in db["lists"].rows_where(order_by="id")]
        )

    def items(self, name: str) -> list[Item] | None:
        """What is on the list, in the order it was added; None when there is no such list."""

        def look(db: Database) -> list[Item] | None:
            found = self._find(db, name)
            if found is None:
                return None
            rows = db["items"].rows_where("list_id = ?", [found], order_by="id")
            return [Item(row["text"], bool(row["checked"])) for row in rows]

        return self._file.read(look)

    def create(self, name: str) -> bool:
        """Start an empty list; False when it is there already."""
        return self._file.write(
            lambda db: self._find(db, name) is None and self._create(db, name) is not None
        )

    def add(self, name: str, items: Sequence[str]) -> list[str]:
        """Put items on a list, which is started when needed; those that were not on it yet.

        An item that was checked off is open again and counts as added.
        """

        def put(db: Database) -> list[str]:
            found = self._find(db, name)
            if found is None:
                found = self._create(db, name)
            added = []
            for text in items:
                known = self._item(db, found, text)
                if known is None:
                    row = {"list_id": found, "text": text, "checked": 0, "added_at": self._now()}
                    db["items"].insert(row)
                elif known[1]:
                    db["items"].update(known[0], {"checked": 0})
                else:
                    continue
                added.append(text)
            return added

        return self._file.write(put)

    def check(self, name: str, items: Sequence[str], on: bool = True) -> list[str]:
        """Check items off (or open them again); those that were found."""

        def mark(db: Database) -> list[str]:
            hits = self._hits(db, name, items)
            for item_id, _ in hits:
                db["items"].update(item_id, {"checked": int(on)})
            return [text for _, text in hits]

        return self._file.write(mark)

    def remove(self, name: str, items: Sequence[str]) -> list[str]:
        """Take items off a list; those that were found."""

        def take(db: Database) -> list[str]:
            hits = self._hits(db, name, items)
            for item_id, _ in hits:
                db["items"].delete(item_id)
            return [text for _, text in hits]

        return self._file.write(take)

    def clear(self, name: str, only_checked: bool = False) -> int:
        """Empty a list, or take off what is checked; the number of items that went."""

        def empty(db: Database) -> int:
            found = self._find(db, name)
            where = "list_id = ?" + (" AND checked" if only_checked else "")
            before = int(db["items"].count_where(where, [found]))
            db["items"].delete_where(where, [found])
            return before

        return self._file.write(empty)

    def delete(self, name: str) -> bool:
        """Do away with a list and what is on it; False when there is none."""

        def drop(db: Database) -> bool:
            found = self._find(db, name)
            if found is not None:
                db["lists"].delete(found)
            return found is not None

        return self._file.write(drop)

    def _hits(self, db: Database, name: str, items: Sequence[str]) -> list[tuple[int, str]]:
        found = self._find(db, name)
        hits = []
        for text in items:
            known = self._item(db, found, text) if found is not None else None
            if known is not None:
                hits.append((known[0], text))
        return hits

    def _create(self, db: Database, name: str) -> int:
        return int(db["lists"].insert({"name": name, "created_at": self._now()}).last_pk)

    def _now(self) -> str:
        return stamp(self._clock.utc())

    @staticmethod
    def _find(db: Database, name: str) -> int | None:
        row = next(iter(db["lists"].rows_where("name = ?", [name])), None)
        return int(row["id"]) if row else None

    @staticmethod
    def _item(db: Database, list_id: int, text: str) -> tuple[int, bool] | None:
        """The item called ``text``, in the singular or plural it was put there by."""
        row = next(iter(db["items"].rows_where("list_id = ? AND text = ?", [list_id, text])), None)
        return (int(row["id"]), bool(row["checked"])) if row else None
