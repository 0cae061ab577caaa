"""When something recurring happens next, by the rules of its time zone."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo


@dataclass(frozen=True, slots=True)
class Recurrence:
    """On these weekdays at this local time."""

    days: tuple[int, ...]
    """0 is Monday … 6 is Sunday; sorted, not empty."""

    at: time
    """Local wall time."""

    def __post_init__(self) -> None:
        if not self.days or not all(0 <= day <= 6 for day in self.days):
            raise ValueError("a recurrence needs weekdays 0 … 6")

    def after(self, moment: datetime, zone: tzinfo) -> datetime:
        """The first occurrence later than ``moment``, in UTC.

        In the hour that daylight saving skips, the time counts as if the clock had not been put
        forward yet (2:30 becomes 3:30); in the hour that happens twice, the first one counts
        (PEP 495, ``fold=0``).
        """
        day = moment.astimezone(zone).date()
        for ahead in range(9):
            date = day + timedelta(days=ahead)
            if date.weekday() in self.days:
                local = datetime.combine(date, self.at, tzinfo=zone)
                utc = local.astimezone(UTC)
                if utc > moment:
                    return utc
        raise AssertionError("a week holds every weekday")

    def as_json(self) -> dict[str, object]:
        """``{"days": [...], "at": "07:00"}``."""
        return {"days": list(self.days), "at": self.at.isoformat(timespec="minutes")}

    @classmethod
    def of(cls, days: Collection[int], at: str) -> Recurrence:
        """From the JSON form; raises ``ValueError`` for anything else."""
        return cls(tuple(sorted(set(days))), time.fromisoformat(at))
