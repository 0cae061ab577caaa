"""A small pattern language, so that what people say stands in data and not in code.

``(a|b)`` is one of, ``[a]`` may be left out, ``{name}`` is something that a reader of that name
reads. Patterns are matched against tokens with backtracking; they hold no repetition, so that the
work is bounded by their length.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from edgebot.core.errors import UnderstandingError
from edgebot.nlu.slots.tokens import Token

Bindings: TypeAlias = dict[str, Any]
Slot: TypeAlias = Callable[[int], "tuple[Any, int] | None"]
"""Reads what begins at a token: its value and the token behind it, or None."""

Words = list[Token]


@dataclass(frozen=True, slots=True)
class Word:
    """A literal word."""

    text: str

    def match(
        self, words: Words, at: int, slots: Mapping[str, Slot], bound: Bindings
    ) -> Iterator[tuple[int, Bindings]]:
        """Yield (token behind, bindings) for each way to match at ``at``."""
        if at < len(words) and words[at].norm == self.text:
            yield at + 1, bound


@dataclass(frozen=True, slots=True)
class Reference:
    """Something a reader reads."""

    name: str

    def match(
        self, words: Words, at: int, slots: Mapping[str, Slot], bound: Bindings
    ) -> Iterator[tuple[int, Bindings]]:
        """As :meth:`Word.match`; the value is bound to the name."""
        if at < len(words):
            found = slots[self.name](at)
            if found is not None:
                yield found[1], {**bound, self.name: found[0]}


@dataclass(frozen=True, slots=True)
class Choice:
    """One of several sequences; an empty one makes it optional."""

    options: tuple[Sequence, ...]

    def match(
        self, words: Words, at: int, slots: Mapping[str, Slot], bound: Bindings
    ) -> Iterator[tuple[int, Bindings]]:
        """As :meth:`Word.match`, in the order of the options."""
        for option in self.options:
            yield from option.match(words, at, slots, bound)


@dataclass(frozen=True, slots=True)
class Sequence:
    """Items one after the other."""

    items: tuple[Word | Reference | Choice, ...]

    def match(
        self, words: Words, at: int, slots: Mapping[str, Slot], bound: Bindings, item: int = 0
    ) -> Iterator[tuple[int, Bindings]]:
        """As :meth:`Word.match`."""
        if item == len(self.items):
            yield at, bound
            return
        for end, inner in self.items[item].match(words, at, slots, bound):
            yield from self.match(words, end, slots, inner, item + 1)

    def first_words(self) -> set[str] | None:
        """The words it can begin with; None when a reader may come first."""
        firsts: set[str] = set()
        for item in self.items:
            if isinstance(item, Reference):
                return None
            if isinstance(item, Word):
                return firsts | {item.text}
            inner = [option.first_words() for option in item.options]
            if any(words is None for words in inner):
                return None
            firsts |= {word for words in inner if words is not None for word in words}
            if all(option.items for option in item.options):
                return firsts
        return firsts


_PIECE = re.compile(r"\{[a-z_]+\}|[()\[\]|]|[^\s()\[\]|{}]+")


def compile_pattern(source: str, fold: Callable[[str], str]) -> Sequence:
    """The pattern written as ``source``; raises ``UnderstandingError`` when it is malformed."""
    pieces = _PIECE.findall(source)
    sequence, rest = _sequence(pieces, 0, fold, source)
    if rest != len(pieces):
        raise UnderstandingError(f"pattern {source!r}: unexpected {pieces[rest]!r}")
    return sequence


def _sequence(
    pieces: list[str], at: int, fold: Callable[[str], str], source: str
) -> tuple[Sequence, int]:
    items: list[Word | Reference | Choice] = []
    while at < len(pieces) and pieces[at] not in ")]|":
        piece = pieces[at]
        if piece in "([":
            choice, at = _choice(pieces, at, fold, source)
            items.append(choice)
            continue
        items.append(Reference(piece[1:-1]) if piece[0] == "{" else Word(fold(piece)))
        at += 1
    return Sequence(tuple(items)), at


def _choice(
    pieces: list[str], at: int, fold: Callable[[str], str], source: str
) -> tuple[Choice, int]:
    closing = {"(": ")", "[": "]"}[pieces[at]]
    options: list[Sequence] = []
    while True:
        option, at = _sequence(pieces, at + 1, fold, source)
        options.append(option)
        if at >= len(pieces) or pieces[at] not in ("|", closing):
            raise UnderstandingError(f"pattern {source!r}: {closing!r} is missing")
        if pieces[at] == closing:
            break
    if closing == "]":
        options.append(Sequence(()))
    return Choice(tuple(options)), at + 1


@dataclass(frozen=True, slots=True)
class Rule:
    """A pattern and what it means."""

    source: str
    pattern: Sequence
    meaning: Mapping[str, Any]


@dataclass(slots=True)
class RuleBook:
    """Rules found by their first word."""

    by_word: dict[str, list[Rule]] = field(default_factory=dict)
    others: list[Rule] = field(default_factory=list)

    @classmethod
    def of(
        cls, written: Mapping[str, Mapping[str, Any] | None], fold: Callable[[str], str]
    ) -> RuleBook:
        """Compile ``{pattern: meaning}``."""
        book = cls()
        for source, meaning in written.items():
            rule = Rule(source, compile_pattern(source, fold), meaning or {})
            firsts = rule.pattern.first_words()
            if firsts is None:
                book.others.append(rule)
            else:
                for word in firsts:
                    book.by_word.setdefault(word, []).append(rule)
        return book

    def matches(
        self, words: Words, at: int, slots: Mapping[str, Slot]
    ) -> list[tuple[int, Rule, Bindings]]:
        """All ways to match at token ``at``, longest first, as (token behind, rule, bindings)."""
        if at >= len(words):
            return []
        found = [
            (end, rule, bound)
            for rule in (*self.by_word.get(words[at].norm, ()), *self.others)
            for end, bound in rule.pattern.match(words, at, slots, {})
            if end > at
        ]
        found.sort(key=lambda match: -match[0])
        return found
