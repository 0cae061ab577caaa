"""Numbers with a unit, units alone, and percentages."""

from __future__ import annotations

from typing import Any

from edgebot.nlu.slots.numbers import Number, number_at
from edgebot.nlu.slots.utterance import Utterance


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
        return {"value": value, "unit": rule.meaning.get("unit") or bound["unit"]}, end
    return None


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
