"""Numbers with a unit, units alone, and percentages."""

from __future__ import annotations

from fractions import Fraction
from typing import Any

from edgebot.nlu.slots.numbers import Number, number_at
from edgebot.nlu.slots.utterance import Utterance

_PARTS = {
    ("foot", "inch"): 12,
    ("yard", "foot"): 3,
    ("pound", "ounce"): 16,
    ("stone", "pound"): 14,
    ("meter", "centimeter"): 100,
    ("kilometer", "meter"): 1000,
    ("kilogram", "gram"): 1000,
    ("hour", "minute"): 60,
    ("minute", "second"): 60,
    ("day", "hour"): 24,
    ("year", "month"): 12,
}
"""Units said together → how many of the smaller make one of the greater."""


def unit_at(utterance: Utterance, at: int) -> tuple[str, int] | None:
    """The unit named from token ``at`` on, the longest name first, by its canonical name."""
    for words, canonical in utterance.tables.units.get(utterance.word(at), ()):
        end = at + len(words)
        if all(utterance.word(at + i) == word for i, word in enumerate(words)):
            return canonical, end
    return None


def quantity_at(utterance: Utterance, at: int) -> tuple[dict[str, Any], int] | None:
    """A number and its unit: ``{"value": 2.5, "unit": "kilometer"}``."""
    tables = utterance.tables
    readers = {
        "number": lambda i: number_at(utterance, i),
        "unit": lambda i: unit_at(utterance, i),
    }
    for end, rule, bound in tables.unit_rules.matches(utterance.tokens, at, readers):
        value: Number = bound.get("number", rule.meaning.get("count", 1))
        value += rule.meaning.get("plus", 0)
        return _with_parts(utterance, value, bound["unit"], end)
    return None


def _with_parts(
    utterance: Utterance, value: Number, unit: str, end: int
) -> tuple[dict[str, Any], int]:
    """ "five feet ten inches": the smaller unit behind a greater one is a part of it."""
    start = end + 1 if utterance.word(end) in utterance.tables.numbers.joins else end
    number = number_at(utterance, start)
    smaller = unit_at(utterance, number[1]) if number else None
    if number and smaller and (unit, smaller[0]) in _PARTS and number[0] > 0:
        exact = Fraction(str(value)) + Fraction(str(number[0])) / _PARTS[unit, smaller[0]]
        value = int(exact) if exact.denominator == 1 else float(exact)
        end = smaller[1]
    return {"value": value, "unit": unit}, end


def percent_at(utterance: Utterance, at: int) -> tuple[Number, int] | None:
    """A number with "percent" behind it."""
    found = number_at(utterance, at)
    if found is None:
        return None
    for length in (2, 1):
        sign = " ".join(utterance.word(found[1] + i) for i in range(length))
        if sign in utterance.tables.percent:
            return found[0], found[1] + length
    return None
