"""The words a Vosk model knows, and how to write those it does not know with those it does."""

from __future__ import annotations

import functools
import re
from collections.abc import Callable, Iterable
from pathlib import Path

FILLER_LETTERS = 3
"""Length of the words that stand in for everything nobody listed: about one syllable."""

_MOST_PIECES = 3
_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")


class Vocabulary:
    """The word list of a model (``graph/words.txt``), asked for single words.

    ``knows`` is the model's own look-up, so that the list itself (a hundred thousand words) never
    has to be held in memory; only the short words are read from ``words_file``.
    """

    def __init__(self, words_file: Path, knows: Callable[[str], bool]) -> None:
        self._words_file = words_file
        self._knows = functools.lru_cache(maxsize=8192)(knows)

    def __contains__(self, word: str) -> bool:
        return self._knows(word)

    def spell(self, word: str) -> tuple[str, ...]:
        """``word`` as known words in a row; empty when there is no way to write it.

        An unknown word is tried without its apostrophe and then cut into as few pieces as
        possible, the cut with the longest shortest piece first: ``ecobee`` is ``eco bee``.
        """
        if word in self:
            return (word,)
        bare = word.replace("'", "")
        if bare != word and bare in self:
            return (bare,)
        for pieces in range(2, _MOST_PIECES + 1):
            if cuts := list(self._cuts(bare, pieces)):
                return max(cuts, key=lambda cut: min(map(len, cut)))
        return ()

    def _cuts(self, word: str, pieces: int) -> Iterable[tuple[str, ...]]:
        if pieces == 1:
            if word in self:
                yield (word,)
            return
        for end in range(2, len(word) - 2 * (pieces - 1) + 1):
            if word[:end] in self:
                for rest in self._cuts(word[end:], pieces - 1):
                    yield (word[:end], *rest)

    def fillers(self, count: int) -> tuple[str, ...]:
        """``count`` short words spread evenly over the alphabet, the same every time."""
        pool = self._short_words
        step = max(1, len(pool) // count)
        return pool[::step][:count]

    @functools.cached_property
    def _short_words(self) -> tuple[str, ...]:
        short: list[str] = []
        with self._words_file.open(encoding="utf-8", errors="replace") as lines:
            for line in lines:
                word = line.split(maxsplit=1)[0] if line.strip() else ""
                if len(word) == FILLER_LETTERS and word.isalpha():
                    short.append(word)
        return tuple(sorted(short))


def words_of(phrase: str) -> list[str]:
    """The words of ``phrase``, lower case, hyphens and punctuation taken out."""
    return [word.replace("’", "'") for word in _WORD.findall(phrase.lower())]
