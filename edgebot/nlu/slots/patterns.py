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

    def firsts(self) -> tuple[set[str], set[str]]:
        """The words and the readers' names it can begin with."""
        words: set[str] = set()
        readers: set[str] = set()
        for item in self.items:
            if isinstance(item, Reference):
                return words, readers | {item.name}
            if isinstance(item, Word):
                return words | {item.text}, readers
            for option in item.options:
                inner = option.firsts()
                words |= inner[0]
                readers |= inner[1]
            if all(option.items for option in item.options):
                return words, readers
        return words, readers


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
    order: int
    """Of two that match alike, the one written first counts."""


Hit: TypeAlias = tuple[int, Rule, Bindings]
"""Token behind, the rule that matched, what its readers read."""


@dataclass(slots=True)
class RuleBook:
    """Rules found by what they begin with."""

    by_word: dict[str, list[Rule]] = field(default_factory=dict)
    by_reader: dict[str, list[Rule]] = field(default_factory=dict)

    @classmethod
    def of(
        cls, written: Mapping[str, Mapping[str, Any] | None], fold: Callable[[str], str]
    ) -> RuleBook:
        """Compile ``{pattern: meaning}``."""
        book = cls()
        for order, (source, meaning) in enumerate(written.items()):
            rule = Rule(source, compile_pattern(source, fold), meaning or {}, order)
            words, readers = rule.pattern.firsts()
            for word in words:
                book.by_word.setdefault(word, []).append(rule)
            for reader in readers:
                book.by_reader.setdefault(reader, []).append(rule)
        return book

    def matches(self, words: Words, at: int, slots: Mapping[str, Slot]) -> list[Hit]:
        """All ways to match at token ``at``, longest first."""
        if at >= len(words):
            return []
        rules = {rule.order: rule for rule in self.by_word.get(words[at].norm, ())}
        for reader, begun in self.by_reader.items():
            if slots[reader](at) is not None:
                rules.update((rule.order, rule) for rule in begun)
        found = [
            (end, rule, bound)
            for rule in rules.values()
            for end, bound in rule.pattern.match(words, at, slots, {})
            if end > at
        ]
        found.sort(key=lambda hit: (-hit[0], hit[1].order))
        return found
