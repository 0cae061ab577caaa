"""When recurring things happen next: weekdays, daylight saving, weeks, intervals."""

from __future__ import annotations

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgebot.dialogue.store.recurrence import Recurrence

BERLIN = ZoneInfo("Europe/Berlin")
NEW_YORK = ZoneInfo("America/New_York")
ZONES = [BERLIN, NEW_YORK, ZoneInfo("Australia/Lord_Howe"), ZoneInfo("Asia/Kathmandu"), UTC]


def after(rule: Recurrence, moment: str, zone: ZoneInfo = BERLIN) -> str:
    start = datetime.fromisoformat(moment).replace(tzinfo=zone).astimezone(UTC)
    return rule.after(start, zone).astimezone(zone).isoformat(timespec="minutes")


@pytest.mark.parametrize(
    ("days", "at", "moment", "expected"),
    [
        ((0, 1, 2, 3, 4), "07:00", "2024-05-17T06:00", "2024-05-17T07:00+02:00"),
        ((0, 1, 2, 3, 4), "07:00", "2024-05-17T07:00", "2024-05-20T07:00+02:00"),
        ((1,), "07:00", "2024-05-14T07:01", "2024-05-21T07:00+02:00"),
        ((6,), "23:59", "2024-12-31T00:00", "2025-01-05T23:59+01:00"),
    ],
)
def test_weekdays(days: tuple[int, ...], at: str, moment: str, expected: str) -> None:
    assert after(Recurrence(days, time.fromisoformat(at)), moment) == expected


def test_the_local_time_stays_when_the_clocks_change() -> None:
    daily = Recurrence(tuple(range(7)), time(7))
    assert after(daily, "2024-03-30T12:00") == "2024-03-31T07:00+02:00"
    assert after(daily, "2024-10-26T12:00") == "2024-10-27T07:00+01:00"


def test_in_the_hour_that_is_skipped_it_is_an_hour_later() -> None:
    night = Recurrence(tuple(range(7)), time(2, 30))
    assert after(night, "2024-03-30T12:00") == "2024-03-31T03:30+02:00"
    assert after(night, "2024-03-09T12:00", NEW_YORK) == "2024-03-10T03:30-04:00"


def test_in_the_hour_that_comes_twice_it_happens_once() -> None:
    night = Recurrence(tuple(range(7)), time(2, 30))
    first = night.after(datetime(2024, 10, 26, 12, tzinfo=UTC), BERLIN)
    assert first.astimezone(BERLIN).isoformat() == "2024-10-27T02:30:00+02:00"
    assert night.after(first, BERLIN) == datetime(2024, 10, 28, 1, 30, tzinfo=UTC)


def test_every_other_week_counts_from_the_week_it_was_agreed_on() -> None:
    rule = Recurrence((0,), time(9), weeks=2).since(datetime(2024, 5, 15, tzinfo=UTC))
    assert after(rule, "2024-05-15T00:00") == "2024-05-27T09:00+02:00"
    assert after(rule, "2024-05-27T09:00") == "2024-06-10T09:00+02:00"


def test_an_interval_counts_from_when_it_was_agreed_on() -> None:
    start = datetime(2024, 5, 14, 10, tzinfo=UTC)
    rule = Recurrence(every_s=7200).since(start)
    assert rule.after(start, BERLIN) == start + timedelta(hours=2)
    assert rule.after(start + timedelta(hours=5), BERLIN) == start + timedelta(hours=6)
    assert rule.after(start - timedelta(days=1), BERLIN) == start + timedelta(hours=2)


@pytest.mark.parametrize(
    ("value", "moment", "expected"),
    [
        ({"month_days": [1]}, "2024-05-14T06:00", "2024-06-01T09:00+02:00"),
        ({"month_days": [14]}, "2024-05-14T08:59", "2024-05-14T09:00+02:00"),
        ({"month_days": [14]}, "2024-05-14T09:00", "2024-06-14T09:00+02:00"),
        ({"month_days": [1, 15]}, "2024-05-14T06:00", "2024-05-15T09:00+02:00"),
        # A month that is too short has it on its last day.
        ({"month_days": [31]}, "2024-06-02T06:00", "2024-06-30T09:00+02:00"),
        ({"month_days": [-1]}, "2024-02-02T06:00", "2024-02-29T09:00+01:00"),
        ({"days": [0], "nth": 1}, "2024-05-14T06:00", "2024-06-03T09:00+02:00"),
        ({"days": [4], "nth": 4}, "2024-05-24T10:00", "2024-06-28T09:00+02:00"),
        ({"days": [4], "nth": -1}, "2024-05-24T10:00", "2024-05-31T09:00+02:00"),
        ({"month_days": [3], "month": 5}, "2024-05-14T06:00", "2025-05-03T09:00+02:00"),
        ({"month_days": [29], "month": 2}, "2024-05-14T06:00", "2025-02-28T09:00+01:00"),
    ],
)
def test_of_the_month_and_of_the_year(value: dict[str, object], moment: str, expected: str) -> None:
    assert after(Recurrence.of({**value, "at": "09:00"}), moment) == expected


def test_every_month_is_the_day_it_was_agreed_on() -> None:
    agreed = datetime(2024, 5, 31, 20, tzinfo=UTC)
    monthly = Recurrence.of({"month_days": [0], "at": "09:00"}).since(agreed)
    assert after(monthly, "2024-06-01T00:00") == "2024-06-30T09:00+02:00"
    assert after(monthly, "2024-07-01T00:00") == "2024-07-31T09:00+02:00"
    yearly = Recurrence.of({"month_days": [0], "month": 0, "at": "09:00"}).since(agreed)
    assert after(yearly, "2024-06-01T00:00") == "2025-05-31T09:00+02:00"
    assert Recurrence.of(yearly.as_json()) == yearly


@given(
    st.one_of(
        st.fixed_dictionaries({"month_days": st.lists(st.integers(-1, 31), min_size=1)}),
        st.fixed_dictionaries(
            {"month_days": st.lists(st.integers(0, 31), min_size=1), "month": st.integers(0, 12)}
        ),
        st.fixed_dictionaries(
            {"days": st.lists(st.integers(0, 6), min_size=1), "nth": st.sampled_from([1, 4, -1])}
        ),
    ),
    st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1)),
    st.sampled_from(ZONES),
)
def test_there_is_always_a_next_time(
    value: dict[str, object], moment: datetime, zone: ZoneInfo
) -> None:
    now = moment.replace(tzinfo=UTC)
    rule = Recurrence.of({**value, "at": "02:30"}).since(now)
    due = rule.after(now, zone)
    assert now < due <= now + timedelta(days=367)
    assert rule.after(due, zone) > due
    assert Recurrence.of(rule.as_json()) == rule


@pytest.mark.parametrize(
    "value",
    [
        {},
        {"month_days": [32], "at": "07:00"},
        {"month_days": [3], "month": 13, "at": "07:00"},
        {"days": [0], "nth": 5, "at": "07:00"},
        {"days": []},
        {"days": [7], "at": "07:00"},
        {"days": [0], "at": "25:00"},
        {"every_s": 1},
        {"every_s": 1e12},
        {"days": [0], "at": "07:00", "weeks": 500},
    ],
)
def test_nonsense_is_refused(value: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"."):
        Recurrence.of(value)


@given(
    st.sets(st.integers(0, 6), min_size=1),
    st.times(),
    st.integers(1, 4),
    st.datetimes(datetime(2020, 1, 1), datetime(2040, 1, 1)),
    st.sampled_from(ZONES),
)
def test_the_next_time_is_later_and_soon_and_on_its_day(
    days: set[int], at: time, weeks: int, moment: datetime, zone: ZoneInfo
) -> None:
    now = moment.replace(tzinfo=UTC)
    rule = Recurrence(tuple(sorted(days)), at.replace(second=0, microsecond=0), weeks).since(now)
    due = rule.after(now, zone)
    assert now < due <= now + timedelta(days=7 * (weeks + 1) + 1)
    assert due.astimezone(zone).weekday() in days
    assert rule.after(due, zone) > due


@given(st.sets(st.integers(0, 6), min_size=1), st.times(), st.integers(1, 4))
def test_it_survives_its_json_form(days: set[int], at: time, weeks: int) -> None:
    anchor = datetime(2024, 5, 14, tzinfo=UTC)
    plain = at.replace(second=0, microsecond=0, tzinfo=None)
    rule = Recurrence(tuple(sorted(days)), plain, weeks).since(anchor)
    assert Recurrence.of(rule.as_json()) == rule
