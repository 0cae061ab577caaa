"""What a ``moment`` or ``recurrence`` slot means for something that is to be promised."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, time, timedelta
from typing import Any

from edgebot.dialogue.store.recurrence import Recurrence

FARTHEST = timedelta(days=366 * 20)
"""Later than this nobody is reminded by this board."""

MORNING = time(9)
"""When a day without a time is meant for a reminder."""


def at(moment: Mapping[str, Any]) -> datetime:
    """The point in time of the slot, with its zone."""
    return datetime.fromisoformat(moment["at"])


def on_day(day: Mapping[str, Any], moment: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """The time of ``moment`` on the date of ``day``: asked for one after the other.

    A half-day that was left open is the morning's, unless that is past.
    """
    clock = at(moment)
    date = at(day).date()
    wanted = datetime.combine(date, clock.time(), tzinfo=now.tzinfo)
    if moment.get("ambiguous_half_day"):
        wanted = wanted.replace(hour=wanted.hour % 12)
        if wanted <= now:
            wanted += timedelta(hours=12)
    return {**moment, "at": wanted.isoformat(), "has_date": True, "has_time": True} | {
        "past": wanted <= now,
        "ambiguous_half_day": False,
    }


def corrected(
    old: Mapping[str, Any] | None, new: Mapping[str, Any], now: datetime
) -> dict[str, Any]:
    """``new`` instead of ``old``: what only one of them says, the day or the time, is kept."""
    if not old:
        return dict(new)
    if new["has_date"] and not new["has_time"] and old["has_time"]:
        kept = on_day(new, {**old, "ambiguous_half_day": False}, now)
        # The same time, unless who keeps it knows better ("seven" of an alarm).
        return {**kept, "ambiguous_half_day": old.get("ambiguous_half_day", False)}
    if new["has_time"] and not new["has_date"] and old["has_date"]:
        return on_day(old, new, now)
    return dict(new)


def from_now(seconds: float, now: datetime) -> dict[str, Any] | None:
    """The moment ``seconds`` after ``now``; None for a time that has passed or never comes."""
    if not 0 < seconds < FARTHEST.total_seconds():
        return None
    later = (now.astimezone(UTC) + timedelta(seconds=seconds)).astimezone(now.tzinfo)
    known = {"has_date": True, "has_time": True, "ambiguous_half_day": False, "past": False}
    return {"at": later.isoformat(timespec="seconds"), **known}


def in_the_morning(moment: Mapping[str, Any], now: datetime) -> dict[str, Any]:
    """``moment`` read as a time to wake up: "seven" is seven in the morning."""
    if not moment.get("ambiguous_half_day") or at(moment).hour < 12:
        return dict(moment)
    early = at(moment) - timedelta(hours=12)
    if early <= now and not moment.get("has_date"):
        early += timedelta(days=1)
    return {**moment, "at": early.isoformat(), "past": early <= now, "ambiguous_half_day": False}


def at_nine(day: Mapping[str, Any], now: datetime) -> dict[str, Any] | None:
    """A day without a time as its morning; None when that is past."""
    wanted = at(day)
    if wanted.time() == time(0):
        wanted = wanted.replace(hour=MORNING.hour)
    if wanted <= now:
        return None
    return {**day, "at": wanted.isoformat(), "has_time": True, "past": False}


def early(value: Mapping[str, Any]) -> dict[str, Any]:
    """A recurrence whose half-day was left open, in the morning."""
    at = value.get("at")
    if not at or not value.get("ambiguous_half_day"):
        return dict(value)
    hour, minute = map(int, at.split(":"))
    return {**value, "at": f"{hour % 12:02}:{minute:02}", "ambiguous_half_day": False}


def recurrence_of(value: Mapping[str, Any]) -> Recurrence | None:
    """The rule of a slot; None when it cannot be kept (every second, every hundred years)."""
    try:
        return Recurrence.of(value)
    except ValueError:
        return None
