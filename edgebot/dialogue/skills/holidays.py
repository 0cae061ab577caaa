"""Days that have a name."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from edgebot.dialogue.words import words_of


def next_holiday(name: str, today: date, language: str) -> date | None:
    """The next day called ``name`` (today counts); None when no day is called so."""
    rule = words_of(language)["holidays"].get(name.casefold().strip())
    if rule is None:
        return None
    days = (in_year(rule, today.year + ahead) for ahead in (-1, 0, 1, 2))
    return next(day for day in days if day >= today)


def in_year(rule: str | Mapping[str, Any], year: int) -> date:
    """The day that ``rule`` means in ``year``."""
    if isinstance(rule, str):
        month, day = map(int, rule.split("-"))
        return date(year, month, day)
    if "easter" in rule:
        return easter(year) + timedelta(days=rule["easter"])
    return nth_weekday(year, **{key: rule[key] for key in ("month", "weekday", "nth")}) + timedelta(
        days=rule.get("plus", 0)
    )


def nth_weekday(year: int, month: int, weekday: int, nth: int) -> date:
    """The nth Monday (0) … Sunday (6) of a month; -1 is the last one."""
    if nth > 0:
        first = date(year, month, 1)
        return first + timedelta(days=(weekday - first.weekday()) % 7 + 7 * (nth - 1))
    last = date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)
    return last - timedelta(days=(last.weekday() - weekday) % 7)


def easter(year: int) -> date:
    """Easter Sunday, Gregorian (the anonymous algorithm: Nature, 20 April 1876)."""
    a, b, c = year % 19, year // 100, year % 100
    d, e = divmod(b, 4)
    g = (8 * b + 13) // 25
    h = (19 * a + b - d - g + 15) % 30
    i, k = divmod(c, 4)
    weekday = (32 + 2 * e + 2 * i - h - k) % 7
    m = (a + 11 * h + 22 * weekday) // 451
    month, day = divmod(h + weekday - 7 * m + 114, 31)
    return date(year, month, day + 1)
