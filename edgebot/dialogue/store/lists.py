"""Shopping and other lists."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

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
    """Named lists of items; names and items compare without regard to case.

    Those of the household, or of one person: :meth:`of`.
    """

    def __init__(self, file: StoreFile, clock: Clock, owner: str = "") -> None:
        """``owner``: the person whose lists they are; the household's when empty."""
        self._file = file
        self._clock = clock
        self._owned = {"owner": owner} if owner else {}
        self._tables = ("own_lists", "own_items") if owner else ("lists", "items")

    def of(self, owner: str) -> Lists:
        """The lists of ``owner``."""
        return Lists(self._file, self._clock, owner)

    def every_name(self) -> list[str]:
        """The names of all lists, whoever they belong to: words that may be said."""
        found = self._file.read(
            lambda db: [
                row["name"]
                for table in ("lists", "own_lists")
                for row in db[table].rows_where(order_by="id")
            ]
        )
        return list({name.casefold(): name for name in reversed(found)}.values())[::-1]

    def names(self) -> list[str]:
        """All lists, oldest first."""
        return self._file.read(lambda db: [row["name"] for row in self._rows(db)])

    def items(self, name: str) -> list[Item] | None:
        """What is on the list, in the order it was added; None when there is no such list."""

        def look(db: Database) -> list[Item] | None:
            found = self._find(db, name)
            if found is None:
                return None
            rows = db[self._tables[1]].rows_where("list_id = ?", [found], order_by="id")
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
                    db[self._tables[1]].insert(row)
                elif known[1]:
                    db[self._tables[1]].update(known[0], {"checked": 0})
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
                db[self._tables[1]].update(item_id, {"checked": int(on)})
            return [text for _, text in hits]

        return self._file.write(mark)

    def remove(self, name: str, items: Sequence[str]) -> list[str]:
        """Take items off a list; those that were found."""

        def take(db: Database) -> list[str]:
            hits = self._hits(db, name, items)
            for item_id, _ in hits:
                db[self._tables[1]].delete(item_id)
            return [text for _, text in hits]

        return self._file.write(take)

    def clear(self, name: str, only_checked: bool = False) -> int:
        """Empty a list, or take off what is checked; the number of items that went."""

        def empty(db: Database) -> int:
            found = self._find(db, name)
            where = "list_id = ?" + (" AND checked" if only_checked else "")
            items = db[self._tables[1]]
            before = int(items.count_where(where, [found]))
            items.delete_where(where, [found])
            return before

        return self._file.write(empty)

    def delete(self, name: str) -> bool:
        """Do away with a list and what is on it; False when there is none."""

        def drop(db: Database) -> bool:
            found = self._find(db, name)
            if found is not None:
                db[self._tables[0]].delete(found)
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
        row = {"name": name, "created_at": self._now(), **self._owned}
        return int(db[self._tables[0]].insert(row).last_pk)

    def _now(self) -> str:
        return stamp(self._clock.utc())

    def _rows(self, db: Database, **wanted: str) -> Iterable[dict[str, Any]]:
        """The lists, oldest first; those whose columns are as ``wanted``."""
        columns = {**self._owned, **wanted}
        where = " AND ".join(f"{name} = ?" for name in columns) or None
        found: Iterable[dict[str, Any]] = db[self._tables[0]].rows_where(
            where, list(columns.values()), order_by="id"
        )
        return found

    def _find(self, db: Database, name: str) -> int | None:
        row = next(iter(self._rows(db, name=name)), None)
        return int(row["id"]) if row else None

    def _item(self, db: Database, list_id: int, text: str) -> tuple[int, bool] | None:
        """The item called ``text``, in the singular or plural it was put there by."""
        rows = db[self._tables[1]].rows_where("list_id = ? AND text = ?", [list_id, text])
        row = next(iter(rows), None)
        return (int(row["id"]), bool(row["checked"])) if row else None
