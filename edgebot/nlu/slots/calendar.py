"""Wall-clock times in a time zone, gaps and folds included.

At a daylight-saving gap a time that does not exist is moved forward by the length of the gap
(02:30 becomes 03:30); in a fold the first of the two is meant. Both as :pep:`495` lays down.
"""

from __future__ import annotations

import calendar
from datetime import UTC, date, datetime, time, timedelta


def local(day: date, minute: int, now: datetime, second: int = 0) -> datetime | None:
    """``minute`` minutes (≥ 0, may pass 24 h) after the wall clock's midnight of ``day``.

    In the zone of ``now``; None where the calendar ends.
    """
    try:
        day += timedelta(days=minute // 1440)
        clock = time(minute % 1440 // 60, minute % 60, second)
        wall = datetime.combine(day, clock, tzinfo=now.tzinfo)
        return wall.astimezone(UTC).astimezone(now.tzinfo)  # the round trip leaves a gap forward
    except (OverflowError, ValueError):
        return None


def later(now: datetime, seconds: float) -> datetime | None:
    """``seconds`` of real time after ``now`` (negative: before it)."""
    try:
        return (now.astimezone(UTC) + timedelta(seconds=seconds)).astimezone(now.tzinfo)
    except (OverflowError, ValueError):
        return None


def add_months(day: date, months: int) -> date | None:
    """The same day ``months`` later, the month's last day where it has no such day."""
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if not 1 <= year <= 9999:
        return None
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def add_days(day: date, days: float) -> date | None:
    """``days`` later, or None where the calendar ends."""
    try:
        return day + timedelta(days=days)
    except (OverflowError, ValueError):
        return None


def make_date(year: int, month: int, day: int) -> date | None:
    """The date, or None where there is no such day."""
    try:
        return date(year, month, day)
    except (ValueError, OverflowError):
        return None
