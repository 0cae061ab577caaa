"""Timers, alarms and reminders: what was promised, and when it is due.

Which clock counts: an alarm or a reminder is due at a wall time, so a clock that is set moves it.
A timer is a length of time: as long as the machine has not been restarted it follows the clock
that never jumps (``CLOCK_BOOTTIME``), and its wall time is corrected when the two disagree; after a
restart the corrected wall time is all there is.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, Literal
from zoneinfo import ZoneInfo

from sqlite_utils import Database

from edgebot.dialogue.clock import Clock, zone_name
from edgebot.dialogue.store.file import StoreFile
from edgebot.dialogue.store.recurrence import Recurrence

Kind = Literal["timer", "alarm", "reminder"]
OPEN = ("waiting", "paused")


@dataclass(frozen=True, slots=True)
class Promise:
    """Something that is to happen at its time."""

    id: int
    kind: Kind
    label: str
    state: str
    """``waiting``, ``paused``, ``delivered`` or ``cancelled``."""

    due: datetime | None
    """UTC; None while paused."""

    left_s: float
    """Seconds until it is due; negative when overdue."""

    length_s: float | None = None
    """Timers: as they were set."""

    recurrence: Recurrence | None = None


class Promises:
    """The promises in the store."""

    def __init__(self, file: StoreFile, clock: Clock) -> None:
        self._file = file
        self.clock = clock

    def add_timer(self, length_s: float, label: str = "", session: str = "") -> Promise:
        """Start a timer."""
        return self._add("timer", label, session, length_s=length_s, **self._countdown(length_s))

    def add(self, kind: Kind, due: datetime, label: str = "", session: str = "") -> Promise:
        """Promise something once, at ``due`` (with time zone)."""
        return self._add(kind, label, session, due_at=stamp(due))

    def add_recurring(
        self, kind: Kind, recurrence: Recurrence, label: str = "", session: str = ""
    ) -> Promise:
        """Promise something again and again, in the time zone of the clock."""
        now = self.clock.utc()
        counted = recurrence.since(now)
        due = counted.after(now, self.clock.zone)
        return self._add(
            kind,
            label,
            session,
            due_at=stamp(due),
            recurrence=json.dumps(counted.as_json()),
            zone=zone_name(self.clock.zone),
        )

    def open(self, kind: Kind | None = None) -> list[Promise]:
        """What is yet to come (paused timers included), soonest first."""
        where, values = f"state IN {OPEN}", []
        if kind is not None:
            where, values = f"{where} AND kind = ?", [kind]
        found = self._file.read(lambda db: list(db["promises"].rows_where(where, values)))
        promises = [self._promise(row) for row in found]
        return sorted(promises, key=lambda promise: (promise.left_s, promise.id))

    def get(self, promise_id: int) -> Promise | None:
        """One promise, whatever became of it."""
        rows = self._file.read(
            lambda db: list(db["promises"].rows_where("id = ?", [int(promise_id)]))
        )
        return self._promise(rows[0]) if rows else None

    def cancel(self, ids: Sequence[int]) -> int:
        """Call promises off; the number that were still open."""
        return self._file.write(lambda db: self._end(db, ids))

    def move(self, promise_id: int, due: datetime) -> Promise | None:
        """Another time for one that is open (a recurring one skips to it); None when it is gone."""
        return self._change(promise_id, {"state": "waiting", "due_at": stamp(due)})

    def relabel(self, promise_id: int, label: str) -> Promise | None:
        """Another name; None when it is gone."""
        return self._change(promise_id, {"label": label})

    def set_left(self, promise_id: int, left_s: float, length_s: float) -> Promise | None:
        """Let a timer, running or paused, have ``left_s`` seconds to go; None when it is gone."""

        def change(db: Database) -> None:
            paused = self._row(db, promise_id).get("state") == "paused"
            values = {"remaining_s": left_s} if paused else self._countdown(left_s)
            self._update(db, promise_id, {**values, "length_s": length_s})

        self._file.write(change)
        return self._still_open(promise_id)

    def pause(self, promise_id: int) -> Promise | None:
        """Hold a timer; None when it is gone."""

        def change(db: Database) -> None:
            row = self._row(db, promise_id)
            if row.get("state") == "waiting":
                left = max(0.0, self._left_s(row))
                gone = dict.fromkeys(("due_at", "boot_id", "due_boot_s"))
                self._update(db, promise_id, {**gone, "state": "paused", "remaining_s": left})

        self._file.write(change)
        return self._still_open(promise_id)

    def resume(self, promise_id: int) -> Promise | None:
        """Let a held timer run on; None when it is gone."""

        def change(db: Database) -> None:
            row = self._row(db, promise_id)
            if row.get("state") == "paused":
                countdown = self._countdown(row["remaining_s"] or 0.0)
                self._update(db, promise_id, {**countdown, "state": "waiting", "remaining_s": None})

        self._file.write(change)
        return self._still_open(promise_id)

    def _countdown(self, left_s: float) -> dict[str, Any]:
        return {
            "due_at": stamp(self.clock.utc() + timedelta(seconds=left_s)),
            "boot_id": self.clock.boot_id,
            "due_boot_s": self.clock.boot_s() + left_s,
        }

    def _add(self, kind: Kind, label: str, session: str, **values: Any) -> Promise:
        row = {
            "kind": kind,
            "label": label,
            "state": "waiting",
            "session": session,
            "set_at": stamp(self.clock.utc()),
            **values,
        }
        added = self._file.write(lambda db: db["promises"].insert(row).last_pk)
        return self._promise({"id": added, **row})

    def _change(self, promise_id: int, values: dict[str, Any]) -> Promise | None:
        self._file.write(lambda db: self._update(db, promise_id, values))
        return self._still_open(promise_id)

    def _update(self, db: Database, promise_id: int, values: dict[str, Any]) -> None:
        if self._row(db, promise_id).get("state") in OPEN:
            db["promises"].update(int(promise_id), values)

    def _still_open(self, promise_id: int) -> Promise | None:
        promise = self.get(promise_id)
        return promise if promise and promise.state in OPEN else None

    def _end(self, db: Database, ids: Sequence[int]) -> int:
        ended = 0
        for promise_id in ids:
            if self._row(db, promise_id).get("state") in OPEN:
                values = {"state": "cancelled", "ended_at": stamp(self.clock.utc())}
                db["promises"].update(int(promise_id), values)
                ended += 1
        return ended

    @staticmethod
    def _row(db: Database, promise_id: int) -> dict[str, Any]:
        return next(iter(db["promises"].rows_where("id = ?", [int(promise_id)])), {})

    def _left_s(self, row: dict[str, Any]) -> float:
        return left_s(row, self.clock)

    def _promise(self, row: dict[str, Any]) -> Promise:
        return promise_of(row, self.clock)


def promise_of(row: dict[str, Any], clock: Clock) -> Promise:
    """A row of the table as a :class:`Promise`."""
    again = json.loads(row["recurrence"]) if row.get("recurrence") else None
    return Promise(
        id=row["id"],
        kind=row["kind"],
        label=row["label"],
        state=row["state"],
        due=moment(row["due_at"]) if row.get("due_at") else None,
        left_s=left_s(row, clock),
        length_s=row.get("length_s"),
        recurrence=Recurrence.of(again) if again else None,
    )


def left_s(row: dict[str, Any], clock: Clock) -> float:
    """Seconds until the promise in ``row`` is due, by the clock that counts for it."""
    if row["state"] == "paused":
        return float(row["remaining_s"] or 0.0)
    if row.get("boot_id") and row["boot_id"] == clock.boot_id:
        return float(row["due_boot_s"]) - clock.boot_s()
    return (moment(row["due_at"]) - clock.utc()).total_seconds() if row.get("due_at") else 0.0


def stamp(when: datetime) -> str:
    """ISO 8601 in UTC to the millisecond: sorts as text, reads as it is."""
    return when.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def moment(text: str) -> datetime:
    """The UTC moment that :func:`stamp` wrote."""
    return datetime.fromisoformat(text.replace("Z", "+00:00"))


def zone_of(row: dict[str, Any], clock: Clock) -> Any:
    """The zone that a recurring promise was meant in."""
    return ZoneInfo(row["zone"]) if row.get("zone") else clock.zone
