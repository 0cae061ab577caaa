"""Hands out what is due, exactly once, to whichever process asks first."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlite_utils import Database

from edgebot.dialogue.clock import Clock
from edgebot.dialogue.store.file import StoreFile
from edgebot.dialogue.store.promises import Kind, left_s, moment, promise_of, stamp, zone_of

GRACE_S = 90.0
"""Later than this, something due is told as missed and does not ring."""

JUMP_S = 2.0
"""Clocks that disagree by more: the wall clock was set."""

KEPT = timedelta(days=7)
"""How long what is over stays in the tables."""


@dataclass(frozen=True, slots=True)
class Ring:
    """A promise that came due and was handed to this process."""

    id: int
    promise_id: int
    kind: Kind
    label: str
    due: datetime
    missed: bool


class Schedule:
    """The due promises of a store."""

    def __init__(self, file: StoreFile, clock: Clock, grace_s: float = GRACE_S) -> None:
        self._file = file
        self._clock = clock
        self._grace_s = grace_s
        self.owner = process_name(clock.boot_id)

    def due(self) -> list[Ring]:
        """Claim what is due, oldest first. Raises ``StoreError``."""
        if not self._file.read(self._anything):
            return []
        return self._file.write(self._claim)

    def next_due_s(self) -> float | None:
        """Seconds until the next promise (0 when one is due); None when none waits."""
        rows = self._file.read(lambda db: list(db["promises"].rows_where("state = 'waiting'")))
        return min((max(0.0, left_s(row, self._clock)) for row in rows), default=None)

    def ringing(self) -> list[Ring]:
        """What was handed out, to any process, and is not done."""
        return self._file.read(
            lambda db: [_ring(row) for row in db["rings"].rows_where("done_at IS NULL")]
        )

    def done(self, ring_id: int) -> None:
        """The ring was heard, silenced, or has rung long enough."""
        now = stamp(self._clock.utc())
        self._file.write(
            lambda db: db.conn.execute(
                "UPDATE rings SET done_at = ? WHERE id = ? AND done_at IS NULL", [now, ring_id]
            )
        )

    def _anything(self, db: Database) -> bool:
        waiting = db["promises"].rows_where("state = 'waiting'")
        if any(self._is_due(row) or self._has_drifted(row) for row in waiting):
            return True
        return any(self._orphaned(row) for row in db["rings"].rows_where("done_at IS NULL"))

    def _claim(self, db: Database) -> list[Ring]:
        self._follow_wall_clock(db)
        rings = [
            self._adopt(db, row)
            for row in list(db["rings"].rows_where("done_at IS NULL"))
            if self._orphaned(row)
        ]
        for row in list(db["promises"].rows_where("state = 'waiting'")):
            if self._is_due(row):
                rings.append(self._deliver(db, row))
        self._forget_old(db)
        return sorted(rings, key=lambda ring: ring.due)

    def _is_due(self, row: dict[str, Any]) -> bool:
        return left_s(row, self._clock) <= 0.0

    def _deliver(self, db: Database, row: dict[str, Any]) -> Ring:
        now = self._clock.utc()
        due = now + timedelta(seconds=left_s(row, self._clock))
        ring = {
            "promise_id": row["id"],
            "kind": row["kind"],
            "label": row["label"],
            "due_at": stamp(due),
            "claimed_at": stamp(now),
            "owner": self.owner,
            "missed": int((now - due).total_seconds() > self._grace_s),
            "done_at": None,
        }
        recurrence = promise_of(row, self._clock).recurrence
        if recurrence is None:
            after = {"state": "delivered", "ended_at": stamp(now)}
        else:
            after = {"due_at": stamp(recurrence.after(now, zone_of(row, self._clock)))}
        db["promises"].update(row["id"], after)
        return _ring({"id": db["rings"].insert(ring).last_pk, **ring})

    def _adopt(self, db: Database, row: dict[str, Any]) -> Ring:
        """Take over the ring of a process that died before anybody had heard it."""
        late = (self._clock.utc() - moment(row["due_at"])).total_seconds() > self._grace_s
        change = {"owner": self.owner, "missed": int(late)}
        db["rings"].update(row["id"], change)
        return _ring({**row, **change})

    def _orphaned(self, row: dict[str, Any]) -> bool:
        return row["owner"] != self.owner and not is_alive(row["owner"], self._clock.boot_id)

    def _has_drifted(self, row: dict[str, Any]) -> bool:
        if row["boot_id"] != self._clock.boot_id:
            return False
        by_wall = (moment(row["due_at"]) - self._clock.utc()).total_seconds()
        return abs(by_wall - left_s(row, self._clock)) > JUMP_S

    def _follow_wall_clock(self, db: Database) -> None:
        """Timers keep what they have left when the wall clock is set: correct their wall time."""
        for row in list(db["promises"].rows_where("state = 'waiting' AND boot_id IS NOT NULL")):
            if self._has_drifted(row):
                due = self._clock.utc() + timedelta(seconds=left_s(row, self._clock))
                db["promises"].update(row["id"], {"due_at": stamp(due)})

    def _forget_old(self, db: Database) -> None:
        before = [stamp(self._clock.utc() - KEPT)]
        db.conn.execute("DELETE FROM rings WHERE done_at < ?", before)
        db.conn.execute(
            "DELETE FROM promises WHERE ended_at < ? AND id NOT IN (SELECT promise_id FROM rings)",
            before,
        )


def process_name(boot_id: str) -> str:
    """Names this process for all time: boot, process id, start time of the process."""
    return json.dumps([boot_id, os.getpid(), _started(os.getpid())])


def is_alive(owner: str, boot_id: str) -> bool:
    """Whether the process that :func:`process_name` named still runs."""
    boot, pid, started = json.loads(owner)
    return bool(boot == boot_id and started is not None and _started(pid) == started)


def _started(pid: int) -> str | None:
    """Start time of a process in clock ticks since boot; None when there is no such process."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    state, *rest = fields.rpartition(")")[2].split()
    return None if state in ("Z", "X") else rest[18]


def _ring(row: dict[str, Any]) -> Ring:
    return Ring(
        id=row["id"],
        promise_id=row["promise_id"],
        kind=row["kind"],
        label=row["label"],
        due=moment(row["due_at"]),
        missed=bool(row["missed"]),
    )
