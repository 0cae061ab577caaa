"""Timers, alarms and reminders."""

from __future__ import annotations

from datetime import timedelta
from typing import Literal

from pydantic import AwareDatetime, Field

from edgebot.dialogue.store.promises import Promise
from edgebot.server.house import House
from edgebot.server.http.operation import Call, Operation, Refusal, Wire, not_found

Kind = Literal["timer", "alarm", "reminder"]
_LONGEST_S = 366 * 86_400


class Timer(Wire):
    """Something that is to happen at its time."""

    id: int
    kind: Kind
    label: str
    state: str
    """``waiting paused delivered cancelled``."""

    due: str | None
    """ISO 8601 with the household's time zone; null while paused."""

    left_s: float
    length_s: float | None


class Timers(Wire):
    """What is yet to come, soonest first."""

    timers: list[Timer]


class NewTimer(Wire):
    """One to be set: a timer by its length, an alarm or a reminder by its moment or length."""

    kind: Kind = "timer"
    label: str = Field(default="", max_length=200)
    seconds: float | None = Field(default=None, ge=1, le=_LONGEST_S)
    """From now."""

    at: AwareDatetime | None = None
    """A moment with its time zone, for alarms and reminders."""


class TimerChange(Wire):
    """What shall be different."""

    paused: bool | None = None
    label: str | None = Field(default=None, max_length=200)


async def timers(call: Call) -> Timers:
    """What is yet to come."""
    house = call.house
    found = await house.look(lambda: [_wire(house, one) for one in house.store.promises.open()])
    return Timers(timers=found)


async def timer(call: Call) -> Timer:
    """One of them."""
    house, number = call.house, call.number("id")
    found = await house.look(lambda: house.store.promises.get(number))
    if found is None:
        raise not_found("there is no timer with this number")
    return _wire(house, found)


async def add(call: Call) -> Timer:
    """Set one."""
    house, wanted = call.house, call.json(NewTimer)
    made = await house.look(lambda: _add(house, wanted))
    house.changed("timers")
    return _wire(house, made)


async def change(call: Call) -> Timer:
    """Hold it, let it run on, call it something else."""
    house, number, wanted = call.house, call.number("id"), call.json(TimerChange)
    changed = await house.look(lambda: _change(house, number, wanted))
    if changed is None:
        raise not_found("nothing that is still to come has this number")
    house.changed("timers")
    return _wire(house, changed)


async def cancel(call: Call) -> None:
    """Call one off."""
    house, number = call.house, call.number("id")
    if not await house.look(lambda: house.store.promises.cancel([number])):
        raise not_found("nothing that is still to come has this number")
    house.changed("timers")


def _add(house: House, wanted: NewTimer) -> Promise:
    promises = house.store.promises
    if (wanted.seconds is None) == (wanted.at is None):
        raise Refusal(400, "invalid", "give `seconds` or `at`, one of the two")
    if wanted.kind == "timer":
        if wanted.seconds is None:
            raise Refusal(400, "invalid", "a timer takes `seconds`")
        return promises.add_timer(wanted.seconds, wanted.label, "http")
    now = promises.clock.utc()
    due = wanted.at or now + timedelta(seconds=wanted.seconds or 0)
    if not now < due <= now + timedelta(seconds=_LONGEST_S):
        raise Refusal(400, "invalid", "`at` lies in the past, or more than a year ahead")
    return promises.add(wanted.kind, due, wanted.label, "http")


def _change(house: House, number: int, wanted: TimerChange) -> Promise | None:
    promises = house.store.promises
    changed = promises.get(number)
    if changed is None or changed.state not in ("waiting", "paused"):
        return None
    if wanted.label is not None:
        changed = promises.relabel(number, wanted.label)
    if wanted.paused is not None and changed is not None:
        if changed.kind != "timer":
            raise Refusal(400, "invalid", "only a timer can be held")
        changed = promises.pause(number) if wanted.paused else promises.resume(number)
    return changed


def _wire(house: House, one: Promise) -> Timer:
    zone = house.store.clock.zone
    return Timer(
        id=one.id,
        kind=one.kind,
        label=one.label,
        state=one.state,
        due=one.due.astimezone(zone).isoformat(timespec="seconds") if one.due else None,
        left_s=round(one.left_s, 1),
        length_s=one.length_s,
    )


_ID = {"id": "integer"}

OPERATIONS = (
    Operation("GET", "/api/timers", "List what is yet to come.", timers, "timers", answer=Timers),
    Operation(
        "POST", "/api/timers", "Set a timer, an alarm or a reminder.", add, "timers",
        body=NewTimer, answer=Timer, status=201,
    ),
    Operation(
        "GET", "/api/timers/{id}", "Show one.", timer, "timers", answer=Timer, path_kinds=_ID
    ),
    Operation(
        "PATCH", "/api/timers/{id}", "Hold one, let it run on, name it.", change, "timers",
        body=TimerChange, answer=Timer, path_kinds=_ID,
    ),
    Operation(
        "DELETE", "/api/timers/{id}", "Call one off.", cancel, "timers", status=204, path_kinds=_ID
    ),
)  # fmt: skip
