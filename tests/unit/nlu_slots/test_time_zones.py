"""Clock times across daylight-saving changes, in zones with all kinds of rules."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgebot.nlu.slots import read
from edgebot.nlu.slots.calendar import add_months, local

BERLIN = ZoneInfo("Europe/Berlin")
ZONES = st.sampled_from(
    ["Europe/Berlin", "America/New_York", "Australia/Lord_Howe", "Africa/Casablanca",
     "Pacific/Apia", "Asia/Kathmandu", "America/Sao_Paulo", "Pacific/Kiritimati", "UTC"]
).map(ZoneInfo)  # fmt: skip
NOWS = st.builds(
    lambda utc, zone: utc.replace(tzinfo=UTC).astimezone(zone),
    st.datetimes(datetime(2005, 1, 1), datetime(2037, 12, 31)),
    ZONES,
)
MINUTES = st.integers(0, 599) | st.integers(780, 1439)
"""From 10:00 to 12:59 the figures leave open which half of the day is meant."""


def at_of(text: str, now: datetime) -> datetime:
    return datetime.fromisoformat(read("moment", text, "en", now)["at"])


@pytest.mark.parametrize(
    ("now", "text", "at"),
    [
        # 02:30 does not exist in Berlin on 29 March 2026: an hour later
        ("2026-03-28T20:00", "tomorrow at 2:30 am", "2026-03-29T03:30+02:00"),
        ("2026-03-28T20:00", "tomorrow at 3:30 am", "2026-03-29T03:30+02:00"),
        ("2026-03-29T01:30", "at 02:30", "2026-03-29T03:30+02:00"),
        # 02:30 comes twice on 25 October 2026: the first is meant
        ("2026-10-24T20:00", "tomorrow at 2:30 am", "2026-10-25T02:30+02:00"),
        # a day later by the calendar is the same time of day, 23 hours on
        ("2026-03-28T20:00", "in one day", "2026-03-29T20:00+02:00"),
        # hours run by real time
        ("2026-03-28T20:00", "in twenty four hours", "2026-03-29T21:00+02:00"),
        ("2026-10-24T20:00", "in twelve hours", "2026-10-25T07:00+01:00"),
    ],
)
def test_changes_of_the_clock(now: str, text: str, at: str) -> None:
    assert at_of(text, datetime.fromisoformat(now).replace(tzinfo=BERLIN)) == (
        datetime.fromisoformat(at)
    )


def test_the_second_round_of_a_fold_is_the_next_once_the_first_is_over() -> None:
    between = datetime(2026, 10, 25, 2, 45, tzinfo=BERLIN, fold=0)
    assert at_of("02:30", between) == datetime.fromisoformat("2026-10-25T02:30+01:00")


@given(now=NOWS, minute=MINUTES)
def test_a_clock_time_is_the_next_one_and_at_most_a_day_away(now: datetime, minute: int) -> None:
    text = f"{minute // 60:02}:{minute % 60:02}"
    at = at_of(text, now)
    assert at > now - timedelta(seconds=1)
    assert at - now <= timedelta(hours=48 if now.tzinfo == ZoneInfo("Pacific/Apia") else 26)
    shown = at.astimezone(now.tzinfo)
    if (shown.hour, shown.minute) != (minute // 60, minute % 60):
        moved = local(shown.date(), minute, now)  # only a gap may move it, and only forward
        assert moved == at
        naive = datetime(shown.year, shown.month, shown.day, minute // 60, minute % 60)
        assert shown.replace(tzinfo=None) > naive


@given(now=NOWS, minutes=st.integers(1, 100_000))
def test_in_so_many_minutes_is_real_time(now: datetime, minutes: int) -> None:
    elapsed = at_of(f"in {minutes} minutes", now) - now
    assert abs(elapsed - timedelta(minutes=minutes)) < timedelta(seconds=1)


@given(now=NOWS, days=st.integers(1, 500))
def test_in_so_many_days_keeps_the_time_of_day(now: datetime, days: int) -> None:
    at = at_of(f"in {days} days", now).astimezone(now.tzinfo)
    day = now.date() + timedelta(days=days)
    assert at == local(day, now.hour * 60 + now.minute, now, now.second)


@given(day=st.dates(), months=st.integers(-24, 24))
def test_months_later_stay_in_their_month(day: date, months: int) -> None:
    moved = add_months(day, months)
    if moved is not None:
        assert (moved.year * 12 + moved.month) - (day.year * 12 + day.month) == months
        assert moved.day == day.day or (moved + timedelta(days=1)).day == 1


def test_the_zone_of_now_may_be_a_fixed_offset() -> None:
    now = datetime.fromisoformat("2026-03-27T18:00:00-03:30")
    assert at_of("tomorrow at noon", now).isoformat() == "2026-03-28T12:00:00-03:30"


@pytest.mark.parametrize("year", [1, 9999])
def test_the_ends_of_the_calendar_are_no_error(year: int) -> None:
    now = datetime(year, 12 if year > 1 else 1, 31 if year > 1 else 1, 23, 0, tzinfo=UTC)
    for text in ("tomorrow", "yesterday", "at seven", "next week", "in a year", "last month",
                 "two years ago", "on the 31st", "monday", "last monday", "tonight", "23:30",
                 "february 29", "in the morning"):  # fmt: skip
        read("moment", text, "en", now)
