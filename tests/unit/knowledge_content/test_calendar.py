"""The calendar: recomputed with the standard library."""

from __future__ import annotations

import calendar
import datetime
import re

MONTHS = list(calendar.month_name)[1:]


def test_days_of_the_months(answers):
    said = answers("facts/calendar.yaml")
    for number, month in enumerate(MONTHS, start=1):
        answer = said[f"How many days are in {month}"]
        assert answer.startswith(f"{month} has {calendar.monthrange(2025, number)[1]} days")
    assert "29 in a leap year" in said["How many days are in February"]
    listed = said["Which months have 31 days"]
    assert {month for month in MONTHS if month in listed} == {
        month
        for number, month in enumerate(MONTHS, start=1)
        if calendar.monthrange(2025, number)[1] < 31
    }


def test_leap_years(answers):
    said = answers("facts/calendar.yaml")
    for year, question in (
        (1900, "Was 1900 a leap year"),
        (2000, "Was 2000 a leap year"),
        (2100, "Will 2100 be a leap year"),
    ):
        assert said[question].startswith("Yes" if calendar.isleap(year) else "No")
    listed = [
        int(year) for year in re.findall(r"\d{4}", said["Which years are the next leap years"])
    ]
    assert listed == [year for year in range(2024, 2041) if calendar.isleap(year)]


def test_a_year_in_weeks(answers):
    assert 365 == 52 * 7 + 1 and 366 == 52 * 7 + 2
    assert (
        "52 weeks and one day, or two days"
        in (answers("facts/calendar.yaml")["How many weeks are in a year"])
    )


def test_christmas_from_the_first_of_december(answers):
    days = (datetime.date(2025, 12, 25) - datetime.date(2025, 12, 1)).days
    question = "How many days are there until Christmas from the first of December"
    assert f" {days} days" in answers("facts/calendar.yaml")[question]


def _easter(year: int) -> datetime.date:
    """Meeus/Jones/Butcher, the anonymous Gregorian algorithm of 1876."""
    a, (b, c) = year % 19, divmod(year, 100)
    d, e = divmod(b, 4)
    g = (b - (b + 8) // 25 + 1) // 3
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    m = (32 + 2 * e + 2 * i - h - k) % 7
    n = (a + 11 * h + 22 * m) // 451
    month, day = divmod(h + m - 7 * n + 114, 31)
    return datetime.date(year, month, day + 1)


def test_easter_lies_between_the_days_named(answers):
    dates = [_easter(year) for year in range(1583, 7283)]
    first = min((date.month, date.day) for date in dates)
    last = max((date.month, date.day) for date in dates)
    assert (first, last) == ((3, 22), (4, 25))
    said = answers("facts/calendar.yaml")["When is Easter"]
    assert "22nd of March" in said and "25th of April" in said


def test_ash_wednesday_and_pentecost_hang_on_easter(answers):
    said = answers("facts/calendar.yaml")
    easter = _easter(2026)
    assert (easter - datetime.timedelta(days=46)).weekday() == calendar.WEDNESDAY
    assert "46 days before Easter" in said["When does Lent begin"]
    assert "seventh Sunday after Easter" in said["When is Pentecost"]


def test_seasons_begin_where_the_solstices_are(answers):
    """Northern summer begins when southern winter does, and so on."""
    said = answers("facts/calendar.yaml")
    opposite = {"spring": "autumn", "summer": "winter", "autumn": "spring", "winter": "summer"}
    north, south = {}, {}
    for season in opposite:
        north[season], south[season] = re.findall(
            r"about the (\w+ of \w+)", said[f"When does {season} begin"]
        )
    assert all(north[season] == south[other] for season, other in opposite.items())
