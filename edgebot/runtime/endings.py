"""What the phrases that can be said know about the words so far.

"Set a timer for" begins sentences that the templates know and ends none. Phrases are examples of
the templates, not all of what they allow: so words are looked up in twos and threes.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterable

_BEGIN, _END = "^", "$"

_MOST_WORDS = 3

_SELDOM = 20
"""Words that go on so many times as often as they end are not the end: single values ("dark roast")
are phrases too, so that a few of anything end."""


class Endings:
    """Phrases, and which words they go on after."""

    def __init__(self, phrases: Iterable[str]) -> None:
        # Asked once in a pause: counting in one string takes a millisecond, an index seconds.
        self._phrases = "".join(f" {_BEGIN} {phrase} {_END} \n" for phrase in phrases)

    def begins(self, words: str) -> bool:
        """Whether ``words`` begin something that can be said, and are hardly all of it.

        False for words that stand side by side in no phrase: they may be anything.
        """
        said = [_BEGIN, *words.casefold().split()]
        if len(said) == 1 or not all(
            f" {first} {second} " in self._phrases for first, second in itertools.pairwise(said)
        ):
            return False
        for count in range(min(_MOST_WORDS, len(said)), 1, -1):
            last = " ".join(said[-count:])
            if found := self._phrases.count(f" {last} "):
                ended = self._phrases.count(f" {last} {_END} ")
                return found - ended > _SELDOM * ended
        return False
