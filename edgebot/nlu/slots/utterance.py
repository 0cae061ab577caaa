"""One text with its tokens, the language it is in and what was read from it so far."""

from __future__ import annotations

import functools
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from edgebot.nlu.slots.tables import Tables, tables_of
from edgebot.nlu.slots.tokens import MAX_CHARS, Token, tokenize

T = TypeVar("T")

_LONGEST_COMPOUND = 80


class Utterance:
    """What the readers of all kinds read from; remembers what each found at each token."""

    def __init__(self, text: str, tables: Tables) -> None:
        self.text = text
        self.tables = tables
        self.tokens: list[Token] = tokenize(text, tables.spellings, self._split)
        self.memo: dict[tuple[str, int], Any] = {}

    def _split(self, word: str) -> Sequence[str] | None:
        tables = self.tables
        if word in tables.written_as_one:
            return tables.written_as_one[word]
        return _split(word, tables.compound_atoms) if tables.compound_atoms else None

    @classmethod
    def of(cls, text: str, language: str) -> Utterance:
        """The same object for the same text: each kind goes on from what the others found."""
        return remembered(text[: MAX_CHARS + 1], language)

    def once(self, name: str, at: int, read: Callable[[], T]) -> T:
        """What ``read`` gives, asked once for each name and token."""
        key = (name, at)
        if key not in self.memo:
            self.memo[key] = read()
        value: T = self.memo[key]
        return value

    def __len__(self) -> int:
        return len(self.tokens)

    def word(self, at: int) -> str:
        """The folded word at token ``at``; empty beyond the ends."""
        return self.tokens[at].norm if 0 <= at < len(self.tokens) else ""

    def pause(self, at: int) -> bool:
        """Whether punctuation stands before token ``at``."""
        return at < len(self.tokens) and self.tokens[at].pause

    def sign_behind(self, at: int) -> str:
        """The character right behind token ``at``, such as the full stop of ``3.``."""
        end = self.tokens[at].end
        return self.text[end : end + 1]

    def span(self, start: int, end: int) -> tuple[int, int]:
        """Characters that the tokens ``start`` … ``end`` - 1 cover."""
        return self.tokens[start].start, self.tokens[end - 1].end

    def whole_words(self, start: int, end: int) -> bool:
        """Whether neither border cuts a compound."""
        tokens = self.tokens
        cut_before = start > 0 and tokens[start - 1].start == tokens[start].start
        cut_behind = end < len(tokens) and tokens[end - 1].start == tokens[end].start
        return not (cut_before or cut_behind)


@functools.lru_cache(maxsize=32)
def remembered(text: str, language: str) -> Utterance:
    """The utterances of late, each read once."""
    return Utterance(text, tables_of(language))


def _split(word: str, atoms: frozenset[str]) -> list[str] | None:
    """The fewest ``atoms`` that make up ``word``, or None; quadratic in a bounded length."""
    if word in atoms or not 4 <= len(word) <= _LONGEST_COMPOUND:
        return None
    best: list[list[str] | None] = [[]] + [None] * len(word)
    for end in range(1, len(word) + 1):
        for start in range(end):
            head = best[start]
            if head is None or word[start:end] not in atoms:
                continue
            shorter = best[end]
            if shorter is None or len(head) + 1 < len(shorter):
                best[end] = [*head, word[start:end]]
    return best[-1]
