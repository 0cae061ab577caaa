"""When something recurring happens next, by the rules of its time zone."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Any

LEAST_S = 60.0
"""Nothing recurs more often than once a minute."""

MOST_S = 366 * 86_400.0
MOST_WEEKS = 52


@dataclass(frozen=True, slots=True)
class Recurrence:
    """On these weekdays at this local time, or every so many seconds."""

    days: tuple[int, ...] = ()
    """0 is Monday … 6 is Sunday; sorted. Empty with :attr:`every_s`."""

    at: time = time(0)
    """Local wall time."""

    weeks: int = 1
    """2 is every other week, counted from the week of :attr:`anchor`."""

    every_s: float | None = None
    """Seconds from one to the next, counted from :attr:`anchor`."""

    anchor: datetime | None = None
    """When it was agreed on (UTC)."""

    def __post_init__(self) -> None:
        if self.every_s is not None:
            if not LEAST_S <= self.every_s <= MOST_S:
                raise ValueError("something recurs once a minute at most, once a year at least")
        elif not self.days or not all(0 <= day <= 6 for day in self.days):
            raise ValueError("a recurrence needs weekdays 0 … 6")
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
        first = moment.astimezone(zone).date()
        monday = _monday(anchor.astimezone(zone).date())
        for ahead in range(7 * (self.weeks + 1) + 2):
            day = first + timedelta(days=ahead)
            in_step = (_monday(day) - monday).days // 7 % self.weeks == 0
            if day.weekday() in self.days and in_step:
                utc = datetime.combine(day, self.at, tzinfo=zone).astimezone(UTC)
                if utc > moment:
                    return utc
        raise AssertionError("every cycle of weeks holds every weekday")

    def as_json(self) -> dict[str, Any]:
        """The slot value it came from, with ``anchor``."""
        anchor = {"anchor": self.anchor.isoformat()} if self.anchor else {}
        if self.every_s is not None:
            return {"every_s": self.every_s, **anchor}
        weeks = {"weeks": self.weeks} if self.weeks != 1 else {}
        at = self.at.isoformat(timespec="minutes")
        return {"days": list(self.days), "at": at, **weeks, **anchor}

    @classmethod
    def of(cls, value: Mapping[str, Any]) -> Recurrence:
        """From a ``recurrence`` slot or :meth:`as_json`; ``ValueError`` for anything else."""
        anchor = datetime.fromisoformat(value["anchor"]) if value.get("anchor") else None
        if value.get("every_s") is not None:
            return cls(every_s=float(value["every_s"]), anchor=anchor)
        if value.get("also_at"):
            raise ValueError("a recurrence has one time of day")
        days = tuple(sorted(set(value.get("days") or ())))
        at = time.fromisoformat(value.get("at") or "00:00")
        return cls(days, at, int(value.get("weeks") or 1), anchor=anchor)


def _monday(day: date) -> date:
    return day - timedelta(days=day.weekday())
