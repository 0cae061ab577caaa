"""Numbers as people say them: cardinals, decimals, mixed numbers, groups, ordinals."""

from __future__ import annotations

from fractions import Fraction
from typing import TypeAlias

from edgebot.nlu.slots.utterance import Utterance

Number: TypeAlias = int | float
Found: TypeAlias = "tuple[Number, int] | None"

_MOST_DIGITS = 18
_SIGNS = {"½": 0.5, "¼": 0.25, "¾": 0.75, "⅓": 1 / 3, "⅔": 2 / 3}


def number_at(utterance: Utterance, at: int) -> Found:
    """The number that begins at token ``at`` and the token behind it."""
    return utterance.once("number", at, lambda: _signed(utterance, at))


def ordinal_at(utterance: Utterance, at: int) -> tuple[int, int] | None:
    """The ordinal ("twenty first", "3rd") that begins at token ``at``."""
    return utterance.once("ordinal", at, lambda: _ordinal(utterance, at))


def _ordinal(utterance: Utterance, at: int) -> tuple[int, int] | None:
    """One ordinal word, or cardinals up to the last word: "one hundred and twenty" + "first"."""
    tables = utterance.tables.numbers
    alone = _ordinal_word(utterance, at)
    found = None if alone else _integer(utterance, at)
    if found is None:
        return alone
    value, end = found
    last = end + 1 if utterance.word(end) in tables.joins else end
    tail = _ordinal_word(utterance, last)
    if tail is None or tail[0] < 1 or value == 0:
        return None
    if tail[0] >= 100 and value < tail[0]:
        return value * tail[0], tail[1]  # "two hundredth"
    if tables.ones_first and last > end and 0 < value % 100 < 10 and tail[0] >= 20:
        return value + tail[0], tail[1]  # "hundert ein und zwanzigste"
    if value % 10 or (tail[0] >= 10 and value % 100):
        return None
    return value + tail[0], tail[1]


def _ordinal_word(utterance: Utterance, at: int) -> tuple[int, int] | None:
    """ "third", "3rd", ``3.``"""
    tables = utterance.tables.numbers
    word = utterance.word(at)
    if word in tables.ordinals:
        return tables.ordinals[word], at + 1
    if word.isdecimal() and len(word) <= 4:
        if utterance.word(at + 1) in tables.ordinal_suffixes:
            return int(word), at + 2
        if utterance.sign_behind(at) in tables.ordinal_suffixes:
            return int(word), at + 1
    return None


def _signed(utterance: Utterance, at: int) -> Found:
    tables = utterance.tables.numbers
    if utterance.word(at) in tables.minus:
        found = _mixed(utterance, at + 1)
        return None if found is None else (-found[0], found[1])
    return _mixed(utterance, at)


def _mixed(utterance: Utterance, at: int) -> Found:
    """A number, with a fraction behind it if there is one: "two and a half", "3 ½"."""
    tables = utterance.tables.numbers
    if utterance.word(at) in tables.exact:
        return tables.exact[utterance.word(at)], at + 1
    found = _decimal(utterance, at)
    if found is None:
        return _fraction(utterance, at, alone=True)
    value, end = found
    if value == 1 or isinstance(value, int):
        parts = _fraction(utterance, at, alone=True)
        if parts is not None and parts[1] > end:  # "three quarters", "one third"
            return parts
    if isinstance(value, float):
        return found
    if utterance.word(end) in _SIGNS:
        return value + _SIGNS[utterance.word(end)], end + 1
    if utterance.word(end) in tables.joins:
        tail = _fraction(utterance, end + 1, alone=True)
        if tail is not None and tail[0] < 1:
            return value + tail[0], tail[1]
    if tables.bare_mixed:
        tail = _fraction(utterance, end, alone=False)
        if tail is not None and tail[0] < 1:
            return value + tail[0], tail[1]
    return _grouped(utterance, value, end)


def _grouped(utterance: Utterance, value: Number, end: int) -> Found:
    """ "two dozen", "a couple of"."""
    tables = utterance.tables.numbers
    if utterance.word(end) not in tables.groups:
        return value, end
    value *= tables.groups[utterance.word(end)]
    end += 1
    return value, end + 1 if utterance.word(end) in tables.group_links else end


def _fraction(utterance: Utterance, at: int, alone: bool) -> tuple[float, int] | None:
    """ "half", "a quarter", "three quarters"; ``alone``: "half" needs no count."""
    tables = utterance.tables.numbers
    word = utterance.word(at)
    if word in _SIGNS:
        return _SIGNS[word], at + 1
    if alone and word in tables.lone_fractions:
        return tables.fractions[word], at + 1
    count: int | None = 1 if word in tables.articles else None
    if count is None and tables.small.get(word, 0) > 0:
        count = tables.small[word]
    elif count is None and word.isdecimal() and len(word) <= 2:
        count = int(word)
    part = tables.fractions.get(utterance.word(at + 1))
    if not count or part is None:
        return None
    value = Fraction(part).limit_denominator(1000) * count
    return int(value) if value.denominator == 1 else float(value), at + 2


def _decimal(utterance: Utterance, at: int) -> Found:
    """Figures, or words with an optional "point"."""
    tables = utterance.tables.numbers
    found: Found = _figures(utterance, at)
    if found is None:
        found = _integer(utterance, at)
        if found is None and utterance.word(at) in tables.point:
            found = (0, at)
        elif found is None:
            return None
        if utterance.word(found[1]) in tables.point:
            places = _places(utterance, found[1] + 1)
            if places is not None:
                return _scaled(utterance, (float(f"{found[0]}.{places[0]}"), places[1]))
        if found[1] == at:
            return None
        return found
    return _scaled(utterance, found)


def _scaled(utterance: Utterance, found: tuple[Number, int]) -> Found:
    """ "2.5 million"."""
    value, end = found
    scale = utterance.tables.numbers.scales.get(utterance.word(end))
    if not scale:
        return found
    product = Fraction(str(value)) * scale
    return int(product) if product.denominator == 1 else float(product), end + 1


def _places(utterance: Utterance, at: int) -> tuple[str, int] | None:
    """The digits behind "point": "one four", "fourteen", "5"."""
    tables = utterance.tables.numbers
    digits, end = "", at
    while len(digits) < _MOST_DIGITS:
        word = utterance.word(end)
        digit = 0 if word in tables.spoken_zeros else tables.small.get(word, 10)
        if digit > 9:
            break
        digits, end = digits + str(digit), end + 1
    whole = _below_hundred(utterance, at)
    if whole is not None and whole[1] > end:
        return str(whole[0]), whole[1]
    if digits:
        return digits, end
    word = utterance.word(at)
    return (word, at + 1) if word.isdecimal() and len(word) <= _MOST_DIGITS else None


def _figures(utterance: Utterance, at: int) -> Found:
    word = utterance.word(at)
    if not word or not word[0].isdecimal() or len(word) > _MOST_DIGITS or ":" in word:
        return None
    tables = utterance.tables.numbers
    whole, comma, places = word.partition(tables.decimal)
    groups = whole.split(tables.group)
    if len(groups) > 1 and not (
        all(len(group) == 3 for group in groups[1:]) and len(groups[0]) <= 3
    ):
        if len(groups) > 2 or comma:
            return None
        (whole, places), groups = groups, groups[:1]  # "3.5" where a comma is usual
        comma = tables.group
    if not all(group.isdecimal() for group in groups) or (comma and not places.isdecimal()):
        return None
    plain = "".join(groups)
    return (float(f"{plain}.{places}") if comma else int(plain)), at + 1


def _integer(utterance: Utterance, at: int) -> tuple[int, int] | None:
    """A cardinal in words, with scales falling from left to right."""
    tables = utterance.tables.numbers
    total, end, limit = 0, at, None
    while True:
        start = end
        if start > at and utterance.word(start) in tables.joins:
            start += 1
        if start > at and utterance.pause(start):
            break
        group = _below_thousand(utterance, start)
        if group is None and end == at and utterance.word(at) in tables.scales:
            group = (1, at)
        if group is None:
            break
        value, after = group
        scale = tables.scales.get(utterance.word(after))
        if scale is None:
            if limit is None:
                return value, after
            # The rest: "two thousand five"; a lone zero or a number too large starts anew.
            if value == 0 or value >= limit:
                break
            return total + value, after
        if limit is not None and scale >= limit:
            break
        total, end, limit = total + value * scale, after + 1, scale
    return (total, end) if end > at else None


def _below_thousand(utterance: Utterance, at: int) -> tuple[int, int] | None:
    """ "two hundred and five", "a hundred", "twelve hundred"."""
    tables = utterance.tables.numbers
    head = _below_hundred(utterance, at)
    after = head[1] if head else at
    if head is None and utterance.word(at) in tables.articles:
        follows = utterance.word(at + 1)
        if follows not in tables.hundreds and follows not in tables.scales:
            return (1, at + 1) if follows in tables.groups else None
        head, after = (1, at + 1), at + 1
    if utterance.word(after) not in tables.hundreds:
        if head is None and utterance.word(at) in tables.groups:
            return 1, at
        return head
    value, end = (head[0] if head else 1) * 100, after + 1
    start = end + 1 if utterance.word(end) in tables.joins else end
    rest = None if utterance.pause(start) else _below_hundred(utterance, start)
    if rest is None or rest[0] == 0 or utterance.word(rest[1]) in tables.hundreds:
        return value, end  # "between one hundred and two hundred"
    return value + rest[0], rest[1]


def _below_hundred(utterance: Utterance, at: int) -> tuple[int, int] | None:
    tables = utterance.tables.numbers
    word = utterance.word(at)
    if word in tables.tens:
        value = tables.tens[word]
        ones = tables.small.get(utterance.word(at + 1), 0)
        if not tables.ones_first and 0 < ones < 10 and not utterance.pause(at + 1):
            return value + ones, at + 2
        return value, at + 1
    if word not in tables.small:
        return None
    ones = tables.small[word]
    if tables.ones_first and 0 < ones < 10 and utterance.word(at + 1) in tables.joins:
        tens = tables.tens.get(utterance.word(at + 2))
        if tens:
            return ones + tens, at + 3
    return ones, at + 1
