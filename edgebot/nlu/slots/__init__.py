"""Slots: values read from words, in each language there are tables for.

:func:`read` takes the whole text as one value, :func:`find` looks for values inside a sentence.
Kinds and the JSON values they give are described in ``docs/slots.md``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from edgebot.core.errors import UsageError
from edgebot.core.nlu import SlotValue
from edgebot.nlu.slots import phrases
from edgebot.nlu.slots.durations import length_at, more_at
from edgebot.nlu.slots.moments import pieces_at
from edgebot.nlu.slots.numbers import number_at, ordinal_at
from edgebot.nlu.slots.quantities import percent_at, quantity_at, unit_at
from edgebot.nlu.slots.recurrences import recurrence_at
from edgebot.nlu.slots.resolve import resolve
from edgebot.nlu.slots.tables import languages, tables_of
from edgebot.nlu.slots.tokens import MAX_CHARS
from edgebot.nlu.slots.utterance import Utterance

__all__ = ["KINDS", "Found", "find", "languages", "read", "spans"]


@dataclass(frozen=True, slots=True)
class Found:
    """A value inside a sentence."""

    value: SlotValue
    start: int
    """First character."""

    end: int
    """Just behind the last character."""

    text: str


Reader = Callable[[Utterance, int, datetime, bool], "tuple[SlotValue, int] | None"]
"""(utterance, token, now, whether the whole text is meant) → (value, token behind)."""


def _moment(utterance: Utterance, at: int, now: datetime, whole: bool) -> Any:
    found = pieces_at(utterance, at, whole=whole)
    if found is None or not (whole or found[0].firm):
        return None
    value = resolve(found[0], utterance.tables, now)
    return None if value is None else (value, found[1])


def _duration(utterance: Utterance, at: int, now: datetime, whole: bool) -> Any:
    found = length_at(utterance, at)
    return None if found is None else (found[0].total_s(), found[1])


def _more_time(utterance: Utterance, at: int, now: datetime, whole: bool) -> Any:
    found = more_at(utterance, at)
    return None if found is None else (found[0].total_s(), found[1])


def _percent(utterance: Utterance, at: int, now: datetime, whole: bool) -> Any:
    """When a percentage was asked for, a bare number or "full" will do."""
    found = percent_at(utterance, at)
    if found is None and whole:
        word = utterance.word(at)
        if word in utterance.tables.percent_words:
            return utterance.tables.percent_words[word], at + 1
        found = number_at(utterance, at)
    return found


_READERS: Mapping[str, Reader] = {
    "number": lambda utterance, at, now, whole: number_at(utterance, at),
    "ordinal": lambda utterance, at, now, whole: ordinal_at(utterance, at),
    "percent": _percent,
    "duration": _duration,
    "more_time": _more_time,
    "moment": _moment,
    "recurrence": lambda utterance, at, now, whole: recurrence_at(utterance, at),
    "quantity": lambda utterance, at, now, whole: quantity_at(utterance, at),
    "unit": lambda utterance, at, now, whole: unit_at(utterance, at),
}

KINDS = (*_READERS, "item_list", "name", "list_name", "text", "yes_no")
"""All kinds of slots."""


def read(kind: str, text: str, language: str, now: datetime) -> SlotValue | None:
    """The value of ``text`` where all of it is of ``kind``, else None.

    ``now`` is aware and says what "tomorrow" means. Never raises for any text; raises
    ``UsageError`` for an unknown kind and ``UnderstandingError`` for an unknown language.
    """
    tables = tables_of(language)
    _check(kind, now)
    if len(text) > MAX_CHARS:
        return None
    if kind == "text":
        return phrases.clean(text) or None
    if kind == "name":
        return phrases.name(text, tables)
    if kind == "list_name":
        return phrases.list_name(text, tables)
    if kind == "item_list":
        return phrases.item_list(text, tables)
    utterance = Utterance.of(text, language)
    if kind == "yes_no":
        return phrases.yes_no(utterance)
    start, end = _without_fillers(utterance)
    found = _READERS[kind](utterance, start, now, True) if start < end else None
    return found[0] if found is not None and found[1] == end else None


def find(kind: str, text: str, language: str, now: datetime) -> list[Found]:
    """Values of ``kind`` inside ``text``, from left to right, none overlapping.

    Words (``text``, ``name``, ``item_list``) cannot be told from their surroundings: for these the
    list is empty. What lies behind the first 2,000 characters is not looked at.
    """
    _check(kind, now)
    reader = _READERS.get(kind)
    if reader is None:
        return []
    utterance = Utterance.of(text, language)
    found: list[Found] = []
    at = 0
    while at < len(utterance):
        hit = reader(utterance, at, now, False)
        if hit is None or hit[1] <= at or not utterance.whole_words(at, hit[1]):
            at += 1
            continue
        start, end = utterance.span(at, hit[1])
        found.append(Found(hit[0], start, end, text[start:end]))
        at = hit[1]
    return found


def spans(kind: str, text: str, language: str, now: datetime) -> list[Found]:
    """The longest value of ``kind`` at each word of ``text``; they may overlap.

    Where an "and" is inside, what stands before it is a value too ("between a hundred and five").

    Takes each piece as if it were asked for, so "seven" is a time of day here: what stands around
    it (a sentence template) has to say that a value of this kind belongs there. Empty for words
    (``text``, ``name``, ``item_list``).
    """
    _check(kind, now)
    reader = _READERS.get(kind)
    if reader is None:
        return []
    utterance = Utterance.of(text, language)
    found: list[Found] = []
    for at in range(len(utterance)):
        hit = reader(utterance, at, now, True)
        if hit is not None and hit[1] > at and utterance.whole_words(at, hit[1]):
            start, end = utterance.span(at, hit[1])
            found.append(Found(hit[0], start, end, text[start:end]))
            found += _up_to_a_join(reader, utterance, at, hit[1], now)
    return found


def _up_to_a_join(
    reader: Reader, utterance: Utterance, at: int, end: int, now: datetime
) -> Iterator[Found]:
    joins = utterance.tables.numbers.joins
    for join in range(at + 1, end - 1):
        if utterance.word(join) in joins and utterance.whole_words(at, join):
            start, stop = utterance.span(at, join)
            shorter = Utterance.of(utterance.text[:stop], utterance.tables.language)
            hit = reader(shorter, at, now, True)
            if hit is not None and hit[1] == join:
                yield Found(hit[0], start, stop, utterance.text[start:stop])


def _check(kind: str, now: datetime) -> None:
    if kind not in KINDS:
        raise UsageError(f"there is no kind of slot {kind!r}; kinds: {', '.join(KINDS)}")
    if now.tzinfo is None:
        raise UsageError("the time slots are read at needs a time zone")


def _without_fillers(utterance: Utterance) -> tuple[int, int]:
    """The tokens between courtesies ("please") at both ends."""
    fillers = utterance.tables.fillers
    start, end = 0, len(utterance)
    while start < end and utterance.word(start) in fillers:
        start += 1
    while end > start and utterance.word(end - 1) in fillers:
        end -= 1
    return start, end
