"""Lengths of time: "an hour and a half", "90 seconds", "1h30", "two weeks"."""

from __future__ import annotations

from dataclasses import dataclass
from fractions import Fraction

from edgebot.nlu.slots.numbers import number_at
from edgebot.nlu.slots.patterns import RuleBook, Slot
from edgebot.nlu.slots.utterance import Utterance

UNIT_S = {"second": 1, "minute": 60, "hour": 3600, "day": 86400, "week": 604800}
UNIT_MONTHS = {"month": 1, "year": 12, "decade": 120, "century": 1200}
MONTH_S, YEAR_S = 30 * 86400, 365 * 86400
"""What a month and a year are worth where no calendar can tell: 30 and 365 days."""

_ORDER = ("century", "decade", "year", "month", "week", "day", "hour", "minute", "second")


@dataclass(frozen=True, slots=True)
class Length:
    """A length of time in calendar and clock parts, not mixed up until it must be."""

    months: Fraction = Fraction(0)
    days: Fraction = Fraction(0)
    seconds: Fraction = Fraction(0)

    def total_s(self) -> int | float:
        """In seconds, months counted as 30 days and twelve of them as 365."""
        years, months = divmod(self.months, 12)
        whole = years * YEAR_S + months * MONTH_S + self.days * 86400 + self.seconds
        return int(whole) if whole.denominator == 1 else float(whole)

    def __add__(self, other: Length) -> Length:
        return Length(
            self.months + other.months, self.days + other.days, self.seconds + other.seconds
        )

    def __neg__(self) -> Length:
        return Length(-self.months, -self.days, -self.seconds)


def of_unit(count: float | Fraction, unit: str) -> Length:
    """``count`` of ``unit``; calendar units only where the count makes whole ones of them."""
    exact = count if isinstance(count, Fraction) else Fraction(str(count)).limit_denominator(10**6)
    if unit in UNIT_MONTHS:
        months = exact * UNIT_MONTHS[unit]
        if months.denominator == 1:
            return Length(months=months)
        return Length(months=Fraction(int(months)), days=(months - int(months)) * 30)
    if unit in ("day", "week"):
        days = exact * (7 if unit == "week" else 1)
        if days.denominator == 1:
            return Length(days=days)
        return Length(seconds=days * 86400)
    return Length(seconds=exact * UNIT_S[unit])


def length_at(utterance: Utterance, at: int) -> tuple[Length, int] | None:
    """The length of time that begins at token ``at`` and the token behind it."""
    return utterance.once("duration", at, lambda: _lengths(utterance, at))


def more_at(utterance: Utterance, at: int) -> tuple[Length, int] | None:
    """A length that is said to be on top: "two more minutes", "another hour"."""
    term = _term(utterance, at, utterance.tables.more_rules)
    return None if term is None else (term[0], term[2])


def _lengths(utterance: Utterance, at: int) -> tuple[Length, int] | None:
    """Terms from the greatest unit down: "2 hours and 5 minutes", "1 h 30"."""
    numbers = utterance.tables.numbers
    negative = utterance.word(at) in numbers.minus
    first = _term(utterance, at + negative)
    if first is None:
        return None
    total, unit, end = first
    while True:
        start = end + 1 if utterance.word(end) in numbers.joins else end
        term = _term(utterance, start)
        if term is None:
            rest = _bare_rest(utterance, end, unit)
            if rest is not None:
                total, end = total + rest[0], rest[1]
            break
        if _ORDER.index(term[1]) <= _ORDER.index(unit):
            break
        total, unit, end = total + term[0], term[1], term[2]
    return (-total if negative else total), end


def _bare_rest(utterance: Utterance, at: int, unit: str) -> tuple[Length, int] | None:
    """The "30" of "1h30" and of "an hour thirty": the next smaller unit, left unsaid.

    A figure must be glued to the unit before it, a word must be the last one.
    """
    smaller = {"hour": "minute", "minute": "second"}.get(unit)
    found = number_at(utterance, at) if smaller else None
    if smaller is None or found is None or not isinstance(found[0], int):
        return None
    token = utterance.tokens[at]
    lone = token.glued if token.is_figure else found[1] == len(utterance) and found[0] >= 10
    return (of_unit(found[0], smaller), found[1]) if lone and 0 < found[0] < 60 else None


def _term(
    utterance: Utterance, at: int, rules: RuleBook | None = None
) -> tuple[Length, str, int] | None:
    if at >= len(utterance):
        return None
    rules = rules or utterance.tables.duration_rules
    slots: dict[str, Slot] = {
        "number": lambda i: number_at(utterance, i),
        "unit": lambda i: _unit(utterance, i),
        "unit_word": lambda i: _unit_word(utterance, i),
    }
    for end, rule, bound in rules.matches(utterance.tokens, at, slots):
        unit, size = bound.get("unit") or bound["unit_word"]
        count = Fraction(str(bound.get("number", rule.meaning.get("count", 1))))
        count = count.limit_denominator(10**6) + Fraction(str(rule.meaning.get("plus", 0)))
        if count < 0:  # a sign stands before the whole length only
            continue
        return of_unit(count * Fraction(str(size)), unit), unit, end
    return None


def _unit(utterance: Utterance, at: int) -> tuple[tuple[str, float], int] | None:
    found = utterance.tables.durations.get(utterance.word(at))
    return (found, at + 1) if found else None


def _unit_word(utterance: Utterance, at: int) -> tuple[tuple[str, float], int] | None:
    """A word that is a length of its own ("Viertelstunde"); "minute" alone is none."""
    found = _unit(utterance, at)
    return found if found is not None and found[0][1] != 1 else None
