"""What we are saying ourselves does not count as speech to us."""

from __future__ import annotations

import itertools
import re
from difflib import SequenceMatcher

_ALIKE = 0.75
"""Similarity from which a word heard is one of ours, distorted by the room."""

_TELLING = 3
"""Letters of a word that is long enough to tell whose it is."""

_WORD = re.compile(r"[^\W_]+(?:'[^\W_]+)?")


def words_of(text: str) -> list[str]:
    """The words of ``text``, lower case."""
    return _WORD.findall(text.casefold())


def foreign_words(heard: str, saying: str) -> list[str]:
    """The words of ``heard`` that are not an echo of ``saying``, our own words of the moment.

    A word counts as ours when it is one of ours, sounds like a piece of one, or when the room
    has run two of ours together.
    """
    ours = words_of(saying)
    joined = {first + second for first, second in itertools.pairwise(ours)}
    known = set(ours) | joined
    return [word for word in words_of(heard) if not _is_ours(word, known)]


def is_echo(heard: str, saying: str) -> bool:
    """Whether the room hands our own words back: long enough to tell, and all of them ours."""
    words = [word for word in words_of(heard) if len(word) >= _TELLING]
    return bool(words) and not foreign_words(heard, saying)


def _is_ours(word: str, known: set[str]) -> bool:
    if word in known:
        return True
    if len(word) < _TELLING:  # too little sound to tell: an echo leaves such scraps
        return bool(known)
    return any(_alike(word, one) for one in known)


def _alike(word: str, one: str) -> bool:
    if len(word) >= 4 and word in one:
        return True
    if abs(len(word) - len(one)) > max(len(word), len(one)) // 2:
        return False
    return SequenceMatcher(None, word, one, autojunk=False).ratio() >= _ALIKE
