"""Points in time as people say them: day, clock time, part of the day, offset, in any order.

The pieces are found by the language's rules; what they mean together is worked out here.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from edgebot.nlu.slots.durations import Length, length_at
from edgebot.nlu.slots.fields import field_readers
from edgebot.nlu.slots.patterns import Bindings, Hit, Slot
from edgebot.nlu.slots.utterance import Utterance

MINUTES_A_DAY = 1440

_CLOCK_FIELDS = frozenset({"hour", "clock", "dotted_clock", "at", "military"})
_DAY_FIELDS = frozenset(
    {"day", "months", "weekday", "week", "day_number", "ordinal_day", "day_month", "date"}
)


@dataclass(slots=True)
class Clock:
    """A time of day as it was said."""

    minute: int
    """Since midnight; 1440 is the midnight that ends the day."""

    second: int = 0
    ambiguous: bool = False
    """Might be twelve hours later: the twelve-hour clock without "am" or "pm"."""


@dataclass(slots=True)
class Day:
    """A day as it was said; what is None was not."""

    offset: int | None = None
    """Days from today."""

    months: int | None = None
    weekday: int | None = None
    week: int | None = None
    """Weeks from this calendar week; -1 with a weekday is the last one gone by."""

    number: int | None = None
    month: int | None = None
    year: int | None = None


@dataclass(slots=True)
class Pieces:
    """What was said about a point in time."""

    clock: Clock | None = None
    day: Day | None = None
    part: str | None = None
    offset: Length | None = None
    firm: bool = False
    """At least one piece cannot mean anything but a time."""

    kinds: set[str] = field(default_factory=set)


def pieces_at(
    utterance: Utterance,
    at: int,
    only: Collection[str] = ("clock", "day", "part", "offset"),
    whole: bool = True,
) -> tuple[Pieces, int] | None:
    """The pieces of a point in time from token ``at`` on, and the token behind the last.

    Where not the ``whole`` text is meant, loose words such as "for" do not begin one.
    """
    pieces, end, position = Pieces(), at, at
    glue = utterance.tables.glue
    readers = _readers(utterance)
    prepared = False
    while position < len(utterance):
        after = _take(utterance, position, readers, pieces, only, prepared)
        if after is not None:
            end = position = after
            prepared = False
        elif utterance.word(position) in glue and (
            pieces.kinds or whole or glue[utterance.word(position)]
        ):
            prepared = glue[utterance.word(position)]
            position += 1
        else:
            break
    return (pieces, end) if pieces.kinds else None


def _take(
    utterance: Utterance,
    at: int,
    readers: dict[str, Slot],
    pieces: Pieces,
    only: Collection[str],
    prepared: bool,
) -> int | None:
    """Add the longest piece that begins at ``at`` and is still free; the token behind it."""
    hits: list[Hit] = utterance.once(
        "moments", at, lambda: utterance.tables.moments.matches(utterance.tokens, at, readers)
    )
    for end, rule, bound in hits:
        meaning = {**rule.meaning, **bound}
        kinds = _kinds(meaning)
        needed = meaning.get("needs")
        if kinds & pieces.kinds or not kinds.issubset(only):
            continue
        if needed is not None and needed not in pieces.kinds:
            continue
        if not _understand(meaning, pieces):
            continue
        pieces.kinds |= kinds
        pieces.firm = pieces.firm or prepared or not meaning.get("weak")
        return end
    return None


def _kinds(meaning: dict[str, Any]) -> set[str]:
    kinds = set()
    if meaning.keys() & _CLOCK_FIELDS:
        kinds.add("clock")
    if meaning.keys() & _DAY_FIELDS:
        kinds.add("day")
    if "part" in meaning:
        kinds.add("part")
    if "length" in meaning:
        kinds.add("offset")
    return kinds


def _understand(meaning: dict[str, Any], pieces: Pieces) -> bool:
    """Enter what a rule found; False when it makes no sense (25 o'clock)."""
    kinds = _kinds(meaning)
    if "clock" in kinds:
        clock = _clock(meaning)
        if clock is None:
            return False
        pieces.clock = clock
    if "day" in kinds:
        pieces.day = _day(meaning)
    if "part" in kinds:
        pieces.part = meaning["part"]
    if "offset" in kinds:
        length: Length = meaning["length"]
        pieces.offset = -length if meaning.get("sign", 1) < 0 else length
    return True


def _clock(meaning: Bindings) -> Clock | None:
    if "at" in meaning or "military" in meaning:
        return Clock(meaning["at"] if "at" in meaning else meaning["military"])
    figures = meaning.get("clock") or meaning.get("dotted_clock")
    if figures is not None:
        minute, second, ambiguous = figures
        return Clock(minute, second, ambiguous)
    hour = meaning["hour"]
    minute = sum(meaning.get(key, 0) for key in ("minute", "full_minute", "digit", "add"))
    minute += meaning.get("sign", 1) * meaning.get("minutes", 0)
    if hour == 24 and minute > 0:
        return None
    if 1 <= hour <= 12:
        return Clock((hour * 60 + minute) % 720, ambiguous=True)
    if hour == 0:
        return Clock((minute + MINUTES_A_DAY) % MINUTES_A_DAY)
    return Clock(hour * 60 + minute)


def _day(meaning: Bindings) -> Day:
    if "date" in meaning:
        found: date = meaning["date"]
        return Day(number=found.day, month=found.month, year=found.year)
    number = meaning.get("day_number", meaning.get("ordinal_day"))
    month = meaning.get("month", meaning.get("ordinal_month"))
    if "day_month" in meaning:
        number, month = meaning["day_month"]
    return Day(
        offset=meaning.get("day"),
        months=meaning.get("months"),
        weekday=meaning.get("weekday") if number is None else None,  # the date says it better
        week=meaning.get("week"),
        number=number,
        month=month,
        year=meaning.get("year"),
    )


def _readers(utterance: Utterance) -> dict[str, Slot]:
    return utterance.once(
        "moment readers",
        -1,
        lambda: {
            **field_readers(utterance),
            "length": lambda at: length_at(utterance, at),
        },
    )
