"""The fields that rules about times are made of: hours, minutes, days, months, years, dates."""

from __future__ import annotations

from datetime import date
from typing import Any

from edgebot.nlu.slots.calendar import make_date
from edgebot.nlu.slots.numbers import number_at, ordinal_at
from edgebot.nlu.slots.patterns import Slot
from edgebot.nlu.slots.utterance import Utterance


def field_readers(utterance: Utterance) -> dict[str, Slot]:
    """A reader for each ``{field}`` of the rules."""
    tables = utterance.tables

    def whole(at: int, low: int, high: int) -> tuple[int, int] | None:
        found = number_at(utterance, at)
        if found is None or not isinstance(found[0], int) or not low <= found[0] <= high:
            return None
        return found[0], found[1]

    def full_minute(at: int) -> tuple[int, int] | None:
        """Said right behind an hour: two digits, so "six five" is no time."""
        found = whole(at, 0, 59)
        if found is None or (found[0] < 10 and len(utterance.word(at)) != 2):
            return None
        return found

    def day_number(at: int) -> tuple[int, int] | None:
        found = ordinal_at(utterance, at)
        if found is not None:
            return found if 1 <= found[0] <= 31 else None
        return whole(at, 1, 31)

    def ordinal_day(at: int) -> tuple[int, int] | None:
        found = ordinal_at(utterance, at)
        return found if found is not None and 1 <= found[0] <= 31 else None

    def ordinal_month(at: int) -> tuple[int, int] | None:
        """ "the third of the fifth": the months counted."""
        found = ordinal_at(utterance, at)
        return found if found is not None and 1 <= found[0] <= 12 else None

    def named(table: Any) -> Slot:
        def read(at: int) -> tuple[int, int] | None:
            value = table.get(utterance.word(at))
            return None if value is None else (value, at + 1)

        return read

    return {
        "number": lambda at: number_at(utterance, at),
        "hour": lambda at: whole(at, 0, 24),
        "minute": lambda at: whole(at, 0, 59),
        "full_minute": full_minute,
        "minutes": lambda at: whole(at, 1, 59),
        "military": lambda at: _military(utterance, at),
        "digit": lambda at: whole(at, 1, 9),
        "clock": lambda at: _clock(utterance, at, ":"),
        "dotted_clock": lambda at: _clock(utterance, at, "."),
        "day_number": day_number,
        "ordinal_day": ordinal_day,
        "ordinal_month": ordinal_month,
        "day_month": lambda at: _day_month(utterance, at),
        "weekday": named(tables.weekdays),
        "month": named(tables.months),
        "year": lambda at: _year(utterance, at),
        "date": lambda at: _date(utterance, at),
    }


def _clock(utterance: Utterance, at: int, sign: str) -> tuple[tuple[int, int, bool], int] | None:
    """``18:30`` or ``6.30``: minute of the day, second, whether half a day is left open."""
    parts = utterance.word(at).split(sign)
    if len(parts) not in (2, 3) or not all(part.isdecimal() for part in parts):
        return None
    if any(len(part) != 2 for part in parts[1:]) or len(parts[0]) > 2:
        return None
    hour, minute, second = (*map(int, parts), 0)[:3]
    if hour > 24 or minute > 59 or second > 59 or (hour == 24 and minute + second > 0):
        return None
    ambiguous = 1 <= hour <= 12 and not parts[0].startswith("0")
    return ((hour * 60 + minute) % (720 if ambiguous else 1441), second, ambiguous), at + 1


def _military(utterance: Utterance, at: int) -> tuple[int, int] | None:
    """ "eighteen hundred" (in words) or ``1830``: the minute of the day, bound as ``military``."""
    word = utterance.word(at)
    found = number_at(utterance, at)
    if found is None or not isinstance(found[0], int) or not 100 <= found[0] <= 2400:
        return None
    hour, minute = divmod(found[0], 100)
    in_figures = word.isdecimal() and len(word) == 4
    if minute > 59 or not (in_figures or (minute == 0 and not utterance.tokens[at].is_figure)):
        return None
    return hour * 60 + minute, found[1]


def _year(utterance: Utterance, at: int) -> tuple[int, int] | None:
    """``2026``, "twenty twenty six", "two thousand and six", "nineteen oh five"."""
    word = utterance.word(at)
    if word.isdecimal():
        return (int(word), at + 1) if len(word) == 4 and word[0] in "12" else None
    first = number_at(utterance, at)
    if first is None or not isinstance(first[0], int):
        return None
    if 1000 <= first[0] <= 2999:
        return first[0], first[1]
    if 10 <= first[0] <= 29:
        second = number_at(utterance, first[1])
        if second is not None and isinstance(second[0], int) and 10 <= second[0] <= 99:
            return first[0] * 100 + second[0], second[1]
    return None


def _date(utterance: Utterance, at: int) -> tuple[date, int] | None:
    """``2026-05-03`` or ``3.5.2026``."""
    word = utterance.word(at)
    if word.count("-") == 2:
        year, month, day = word.split("-")
    elif word.count(".") == 2:
        day, month, year = word.split(".")
    else:
        return None
    if not all(part.isdecimal() and len(part) <= 4 for part in (year, month, day)):
        return None
    found = make_date(int(year) + (2000 if len(year) == 2 else 0), int(month), int(day))
    return (found, at + 1) if found else None


def _day_month(utterance: Utterance, at: int) -> tuple[tuple[int, int], int] | None:
    """``3.5.``: day and month."""
    day, _, month = utterance.word(at).partition(".")
    if not (day.isdecimal() and month.isdecimal() and len(day) <= 2 and len(month) <= 2):
        return None
    if not (1 <= int(day) <= 31 and 1 <= int(month) <= 12):
        return None
    return (int(day), int(month)), at + 1
