"""When something recurring happens next, by the rules of its time zone."""

from __future__ import annotations

import calendar
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any

LEAST_S = 60.0
"""Nothing recurs more often than once a minute."""

MOST_S = 366 * 86_400.0
MOST_WEEKS = 52
_YEAR_DAYS = 366
LAST = -1
"""The last day of a month, or the last such weekday of it."""

SAME = 0
"""The day of the month, or the month, that the recurrence was agreed on."""


@dataclass(frozen=True, slots=True)
class Recurrence:
    """On these weekdays or days of the month at this local time, or every so many seconds."""

    days: tuple[int, ...] = ()
    """0 is Monday … 6 is Sunday; sorted. Empty with :attr:`every_s`."""

    at: time = time(0)
    """Local wall time."""

    weeks: int = 1
    """2 is every other week, counted from the week of :attr:`anchor`."""

    month_days: tuple[int, ...] = ()
    """1 … 31, :data:`LAST` or :data:`SAME`, instead of weekdays. A month that is too short has it
    on its last day: what was promised for the 31st is not left out."""

    month: int | None = None
    """With :attr:`month_days`: in this month only (1 … 12, or :data:`SAME`)."""

    nth: int | None = None
    """With :attr:`days`: the first (1) … fourth (4) or last (:data:`LAST`) of them in a month."""

    every_s: float | None = None
    """Seconds from one to the next, counted from :attr:`anchor`."""

    anchor: datetime | None = None
    """When it was agreed on (UTC)."""

    def __post_init__(self) -> None:
        if self.every_s is not None:
            if not LEAST_S <= self.every_s <= MOST_S:
                raise ValueError("something recurs once a minute at most, once a year at least")
        elif self.month_days:
            if not all(LAST <= day <= 31 for day in self.month_days):
                raise ValueError("days of a month are 1 … 31")
            if self.month is not None and not 0 <= self.month <= 12:
                raise ValueError("months are 1 … 12")
        elif not self.days or not all(0 <= day <= 6 for day in self.days):
            raise ValueError("a recurrence needs weekdays 0 … 6")
        if self.nth is not None and self.nth not in (1, 2, 3, 4, LAST):
            raise ValueError("a month has four of every weekday for sure, and a last one")
        if not 1 <= self.weeks <= MOST_WEEKS:
            raise ValueError("weeks must be 1 … 52")

    def since(self, moment: datetime) -> Recurrence:
        """The same, counted from ``moment``."""
        return replace(self, anchor=moment.astimezone(UTC))

    def after(self, moment: datetime, zone: tzinfo) -> datetime:
        """The first occurrence later than ``moment``, in UTC.

        In the hour that daylight saving skips, the time counts as if the clock had not been put
        forward yet (2:30 becomes 3:30); in the hour that happens twice, the first one counts
        (PEP 495, ``fold=0``).
        """
        anchor = self.anchor or moment
        if self.every_s is not None:
            passed = (moment - anchor).total_seconds() // self.every_s
            return (anchor + timedelta(seconds=(max(0.0, passed) + 1) * self.every_s)).astimezone(
                UTC
            )
        agreed = anchor.astimezone(zone).date()
        first = moment.astimezone(zone).date()
        for ahead in range(max(_YEAR_DAYS, 7 * (self.weeks + 1)) + 2):
            day = first + timedelta(days=ahead)
            if self._falls_on(day, agreed):
                utc = datetime.combine(day, self.at, tzinfo=zone).astimezone(UTC)
                if utc > moment:
                    return utc
        raise AssertionError("every year holds every day that can be asked for")

    def _falls_on(self, day: date, agreed: date) -> bool:
        length = calendar.monthrange(day.year, day.month)[1]
        if self.month_days:
            month = agreed.month if self.month == SAME else self.month
            wanted = {agreed.day if each == SAME else each for each in self.month_days}
            days = {length if each == LAST else min(each, length) for each in wanted}
            return day.day in days and month in (None, day.month)
        if day.weekday() not in self.days:
            return False
        if self.nth is not None:
            return day.day > length - 7 if self.nth == LAST else (day.day + 6) // 7 == self.nth
        return (_monday(day) - _monday(agreed)).days // 7 % self.weeks == 0

    def as_json(self) -> dict[str, Any]:
        """The slot value it came from, with ``anchor``."""
        anchor = {"anchor": self.anchor.isoformat()} if self.anchor else {}
        if self.every_s is not None:
            return {"every_s": self.every_s, **anchor}
        at = self.at.isoformat(timespec="minutes")
        if self.month_days:
            month = {"month": self.month} if self.month is not None else {}
            return {"month_days": list(self.month_days), **month, "at": at, **anchor}
        more = {"weeks": self.weeks} if self.weeks != 1 else {}
        more |= {"nth": self.nth} if self.nth is not None else {}
        return {"days": list(self.days), "at": at, **more, **anchor}

    def same_days(self, value: Mapping[str, Any]) -> bool:
        """Whether a ``recurrence`` slot names the days of this one, whatever its time."""
        mine = self.as_json()
        return all(
            mine.get(key) == value.get(key) for key in ("days", "month_days", "month", "nth")
        )

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> Recurrence:
        """From a ``recurrence`` slot or :meth:`as_json`; ``ValueError`` for anything else."""
        anchor = datetime.fromisoformat(value["anchor"]) if value.get("anchor") else None
        if value.get("every_s") is not None:
            return cls(every_s=float(value["every_s"]), anchor=anchor)
        if value.get("also_at"):
            raise ValueError("a recurrence has one time of day")
        at = time.fromisoformat(value.get("at") or "00:00")
        month_days = tuple(sorted(set(value.get("month_days") or ())))
        if month_days:
            return cls((), at, month_days=month_days, month=value.get("month"), anchor=anchor)
        days = tuple(sorted(set(value.get("days") or ())))
        weeks = int(value.get("weeks") or 1)
        return cls(days, at, weeks, nth=value.get("nth"), anchor=anchor)


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())
