"""What the pieces of a point in time mean, seen from now."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from edgebot.nlu.slots.calendar import add_days, add_months, later, local, make_date
from edgebot.nlu.slots.durations import Length
from edgebot.nlu.slots.moments import MINUTES_A_DAY, Clock, Day, Pieces
from edgebot.nlu.slots.tables import Tables


@dataclass(frozen=True, slots=True)
class _Base:
    """The day a time is on."""

    day: date
    given: bool
    """The person named a day."""

    roll_days: int = 0
    """When the time is over on that day: this many days later it is meant."""


def resolve(pieces: Pieces, tables: Tables, now: datetime) -> dict[str, Any] | None:
    """The moment as a slot value; None where the calendar has no such time."""
    offset = pieces.offset
    if offset is not None and (offset.seconds or not (pieces.clock or pieces.part)):
        return None if pieces.clock or pieces.part or pieces.day else _from_now(offset, now)
    base = _base(pieces, now)
    if base is None:
        return None
    if pieces.clock is not None:
        return _at_clock(pieces.clock, pieces.part, base, tables, now)
    if pieces.part is not None:
        return _at_part(pieces.part, base, tables, now)
    day = base.day
    if base.roll_days and day <= now.date():
        day = _on(day, base.roll_days)
    start = local(day, 0, now)
    return None if start is None else _value(start, day < now.date(), True, False, False)


def _value(
    at: datetime, past: bool, has_date: bool, has_time: bool, open_half: bool
) -> dict[str, Any]:
    return {
        "at": at.isoformat(timespec="seconds"),
        "has_date": has_date,
        "has_time": has_time,
        "ambiguous_half_day": open_half,
        "past": past,
    }


def _from_now(offset: Length, now: datetime) -> dict[str, Any] | None:
    """``offset`` away: days and months by the calendar, the rest by real time."""
    day = _shifted(offset, now.date())
    if day is None:
        return None
    at: datetime | None = now
    if day != now.date():
        at = local(day, now.hour * 60 + now.minute, now, now.second)
    if at is not None and offset.seconds:
        at = later(at, float(offset.seconds))
    if at is None:
        return None
    return _value(at, at < now, True, bool(offset.seconds), False)


def _shifted(offset: Length, day: date) -> date | None:
    if abs(offset.months) > 120_000:
        return None
    moved = add_months(day, int(offset.months))
    return None if moved is None else add_days(moved, float(offset.days))


def _base(pieces: Pieces, now: datetime) -> _Base | None:
    today = now.date()
    if pieces.offset is not None:
        if pieces.day is not None:
            return None
        shifted = _shifted(pieces.offset, today)
        return None if shifted is None else _Base(shifted, True)
    if pieces.day is None:
        return _Base(today, False)
    return _named_day(pieces.day, today)


def _named_day(day: Day, today: date) -> _Base | None:
    found: date | None
    if day.weekday is not None:
        return _weekday(day.weekday, day.week, today)
    if day.number is not None:
        return _numbered(day, today)
    if day.months is not None:
        found = add_months(today, day.months)
    elif day.week is not None:
        found = add_days(today, 7 * day.week)
    else:
        found = add_days(today, day.offset or 0)
    return None if found is None else _Base(found, True)


def _weekday(weekday: int, week: int | None, today: date) -> _Base | None:
    ahead = (weekday - today.weekday()) % 7
    if week is None or week == 0:
        found = add_days(today, ahead)
        return None if found is None else _Base(found, True, 0 if ahead else 7)
    if week == -1:
        found = add_days(today, ahead - 7)
    else:  # in the calendar week that many weeks on; weeks begin on Monday
        found = add_days(today, weekday - today.weekday() + 7 * week)
    return None if found is None else _Base(found, True)


def _on(day: date, days: int) -> date:
    """``days`` later; the last day there is where the calendar ends."""
    return add_days(day, days) or date.max


def _numbered(day: Day, today: date) -> _Base | None:
    assert day.number is not None
    if day.year is not None and day.month is not None:
        found = make_date(day.year, day.month, day.number)
        return None if found is None else _Base(found, True)
    if day.month is not None:
        for year in range(today.year, min(today.year + 9, 10_000)):  # 29 February comes round
            found = make_date(year, day.month, day.number)
            if found is not None and found >= today:
                return _Base(found, True)
        return None
    for ahead in range(12):
        month = add_months(today.replace(day=1), ahead)
        found = make_date(month.year, month.month, day.number) if month else None
        if found is not None and found >= today:
            return _Base(found, True)
    return None


def _at_clock(
    clock: Clock, part: str | None, base: _Base, tables: Tables, now: datetime
) -> dict[str, Any] | None:
    minutes, open_half = readings(clock, part, tables)
    if not base.given:
        return _next(minutes, clock.second, base.day, open_half, now)
    if base.day != now.date():
        at = local(base.day, waking(minutes, tables), now, clock.second)
        return None if at is None else _value(at, at < now, True, True, open_half)
    times = [local(base.day, minute, now, clock.second) for minute in minutes]
    ahead = [at for at in times if at is not None and at > now]
    if ahead:
        return _value(min(ahead), False, True, True, open_half)
    day = _on(base.day, base.roll_days)
    at = local(day, waking(minutes, tables) if base.roll_days else minutes[-1], now, clock.second)
    return None if at is None else _value(at, at < now, True, True, open_half)


def _next(
    minutes: list[int], second: int, today: date, open_half: bool, now: datetime
) -> dict[str, Any] | None:
    """The next time the clock shows one of ``minutes``; both rounds of a fold count."""
    times = []
    for ahead in (-1, 0, 1, 2):  # yesterday's "two at night" may still be to come
        day = add_days(today, ahead)
        for minute in minutes if day else ():
            at = local(day, minute, now, second)  # type: ignore[arg-type]
            if at is not None:
                times += [at, at.replace(fold=1)]
    ahead_of_now = [at for at in times if at.timestamp() > now.timestamp()]
    if not ahead_of_now:
        return None
    return _value(min(ahead_of_now, key=datetime.timestamp), False, False, True, open_half)


def readings(clock: Clock, part: str | None, tables: Tables) -> tuple[list[int], bool]:
    """Minutes of the day that are meant, earliest first, and whether half a day is open."""
    if not clock.ambiguous:
        return [clock.minute], False
    both = [clock.minute, clock.minute + 720]
    if part is None:
        return both, True
    low, high, _ = tables.parts[part]
    fitting = [m for m in (*both, clock.minute + 1440, clock.minute + 2160) if low <= m < high]
    return (fitting[:1], False) if fitting else (both, True)


def waking(minutes: list[int], tables: Tables) -> int:
    """Of two readings twelve hours apart the one when people are up."""
    awake = tables.day_starts_hour * 60
    return next((m for m in minutes if m >= awake), minutes[-1])


def _at_part(part: str, base: _Base, tables: Tables, now: datetime) -> dict[str, Any] | None:
    _, ends, meant = tables.parts[part]
    day = base.day
    if not base.given or base.roll_days:
        over = local(day, meant, now)
        if over is not None and over <= now:
            day = _on(day, base.roll_days or 1)
    at, end = local(day, meant, now), local(day, min(ends, 2 * MINUTES_A_DAY), now)
    if at is None or end is None:
        return None
    return _value(at, end < now, base.given, False, False)
