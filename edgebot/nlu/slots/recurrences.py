"""Times that come round: "every weekday at seven", "on Mondays", "every ten minutes"."""

from __future__ import annotations

import copy
from typing import Any

from edgebot.nlu.slots.calendar import make_date
from edgebot.nlu.slots.durations import Length, length_at, of_unit
from edgebot.nlu.slots.fields import field_readers
from edgebot.nlu.slots.moments import Pieces, pieces_at
from edgebot.nlu.slots.patterns import Bindings, Slot
from edgebot.nlu.slots.resolve import readings, waking
from edgebot.nlu.slots.utterance import Utterance


def recurrence_at(utterance: Utterance, at: int) -> tuple[dict[str, Any], int] | None:
    """The recurrence that begins at token ``at``: the days, and a time before or behind them."""
    found = utterance.once("recurrence", at, lambda: _recurrence(utterance, at))
    return None if found is None else (copy.deepcopy(found[0]), found[1])  # it is remembered


def _recurrence(utterance: Utterance, at: int) -> tuple[dict[str, Any], int] | None:
    before = pieces_at(utterance, at, only=("clock", "part"))
    if before is not None:
        rule = _days(utterance, before[1])
        if rule is not None and "every_s" not in rule[0]:
            before[0].part = before[0].part or rule[0].get("part")
            return _with_time(rule[0], before[0], utterance), rule[1]
    rule = _days(utterance, at)
    if rule is None:
        return None
    value, end = rule
    if "every_s" in value:
        return value, end
    behind = pieces_at(utterance, end, only=("clock", "part"))
    if behind is None:
        return _with_time(value, Pieces(part=value.pop("part", None)), utterance), end
    behind[0].part = behind[0].part or value.pop("part", None)
    value, end = _with_time(value, behind[0], utterance), behind[1]
    while behind[0].clock and utterance.word(end) in utterance.tables.numbers.joins:
        more = pieces_at(utterance, end + 1, only=("clock", "part"))
        if more is None or more[0].clock is None:
            break
        value.setdefault("also_at", []).append(_with_time({}, more[0], utterance)["at"])
        end = more[1]
    return value, end


def _readers(utterance: Utterance) -> dict[str, Slot]:
    readers = field_readers(utterance)
    return {
        **readers,
        "weekdays": _several(utterance, readers["weekday"]),
        "several_weekdays": _at_least_two(_several(utterance, readers["weekday"])),
        "plural_weekdays": _several(utterance, _plural(utterance)),
        "last_weekday": readers["weekday"],
        "month_day": readers["ordinal_day"],
        "nth": _nth(readers["ordinal_day"]),
        "length": lambda at: length_at(utterance, at),
        "single_length": lambda at: _single(utterance, at),
    }


def _days(utterance: Utterance, at: int) -> tuple[dict[str, Any], int] | None:
    """The days or the interval said at token ``at``."""
    readers = utterance.once("recurrence readers", -1, lambda: _readers(utterance))
    for end, rule, bound in utterance.tables.recurrences.matches(utterance.tokens, at, readers):
        value = _meaning({**rule.meaning, **bound})
        if value is not None:
            return value, end
    return None


def _several(utterance: Utterance, one: Slot) -> Slot:
    """Several in a row, with or without "and"; the names may be in the plural."""
    joins = utterance.tables.numbers.joins

    def read(at: int) -> tuple[list[int], int] | None:
        found, end, position = [], at, at
        while (next_one := one(position)) is not None:
            found.append(next_one[0])
            end = position = next_one[1]
            if utterance.word(position) in joins:
                position += 1
        return (found, end) if found else None

    return read


def _at_least_two(several: Slot) -> Slot:
    """ "Monday and Thursday" are said of every week, "Monday" alone is not."""

    def read(at: int) -> tuple[list[int], int] | None:
        found = several(at)
        return found if found is not None and len(found[0]) > 1 else None

    return read


def _plural(utterance: Utterance) -> Slot:
    """A weekday in the form that says "each of them" ("Mondays")."""
    tables = utterance.tables

    def read(at: int) -> tuple[int, int] | None:
        day = tables.plural_weekdays.get(utterance.word(at))
        return None if day is None else (day, at + 1)

    return read


def _nth(ordinal: Slot) -> Slot:
    """The "second" of "every second Monday of the month"; a fifth is not in every month."""

    def read(at: int) -> tuple[int, int] | None:
        found = ordinal(at)
        return found if found is not None and found[0] <= 4 else None

    return read


def _single(utterance: Utterance, at: int) -> tuple[Length, int] | None:
    """A unit without a number: the "hour" of "every hour"."""
    unit = utterance.tables.durations.get(utterance.word(at))
    return (of_unit(unit[1], unit[0]), at + 1) if unit else None


def _meaning(meaning: Bindings) -> dict[str, Any] | None:
    """The slot value of a rule, without its time; None when it makes no sense."""
    if "every_s" in meaning:
        return {"every_s": meaning["every_s"]}
    if "length" in meaning or "single_length" in meaning:
        return _interval(meaning.get("length") or meaning["single_length"], meaning)
    if "month_day" in meaning or "day_number" in meaning or "month_days" in meaning:
        return _of_month(meaning)
    if "nth" in meaning:
        return {"days": [meaning["weekday"]], "nth": meaning["nth"]}
    named = (meaning.get(key) for key in ("weekdays", "several_weekdays", "plural_weekdays"))
    days = next((days for days in named if days), meaning.get("days", []))
    if "last_weekday" in meaning:
        first = meaning["weekday"]
        days = [(first + i) % 7 for i in range((meaning["last_weekday"] - first) % 7 + 1)]
    value: dict[str, Any] = {"days": sorted(set(days))}
    for key in ("weeks", "part"):
        if key in meaning:
            value[key] = meaning[key]
    return value


def _of_month(meaning: Bindings) -> dict[str, Any] | None:
    """Days of every month, or of one month in every year."""
    said = meaning.get("month_day") or meaning.get("day_number")
    value: dict[str, Any] = {"month_days": [said] if said else meaning["month_days"]}
    month = meaning.get("month")
    if month is None:
        return value
    if month and said and make_date(2024, month, said) is None:  # a leap year
        return None
    return {**value, "month": month}


def _interval(length: Length, meaning: Bindings) -> dict[str, Any] | None:
    if "single_length" in meaning and length.months in (1, 12):
        # Months are no fixed length of time: it is the same day of the next one.
        return {"month_days": [0], **({"month": 0} if length.months == 12 else {})}
    if "weekdays" not in meaning:
        seconds = length.total_s()
        return {"every_s": seconds} if seconds > 0 else None
    weeks = length.days / 7
    if length.seconds or length.months or weeks.denominator != 1 or weeks < 1:
        return None
    return {"days": sorted(set(meaning["weekdays"])), "weeks": int(weeks)}


def _with_time(value: dict[str, Any], pieces: Pieces, utterance: Utterance) -> dict[str, Any]:
    tables = utterance.tables
    at: str | None = None
    open_half = False
    if pieces.clock is not None:
        minutes, open_half = readings(pieces.clock, pieces.part, tables)
        minute = waking(minutes, tables) % 1440
        at = f"{minute // 60:02}:{minute % 60:02}"
    elif pieces.part is not None:
        minute = tables.parts[pieces.part][2] % 1440
        at = f"{minute // 60:02}:{minute % 60:02}"
    value.pop("part", None)
    return {**value, "at": at, "ambiguous_half_day": open_half}
