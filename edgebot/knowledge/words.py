"""Words as the full-text index sees them."""

from __future__ import annotations

import functools
import re
import unicodedata

from edgebot.knowledge.porter import stem

_WORD = re.compile(r"\w+")

STOP_WORDS = frozenset(
    """a an the is are was were be been being am do does did done doing has have had having of in on
    at to for from by with about as into onto and or but not no nor so if then than what which who
    whom whose when where why how that this these those it its there their theirs they them he she
    his her hers him i you we my your our me us mine yours ours can could will would shall should
    may might must s t d ll re ve m don doesn didn isn aren wasn weren won wouldn couldn shouldn
    also just please tell say know whats hows wheres whos explain describe give name
    define""".split()  # noqa: SIM905 - a list of a hundred strings is no easier to read
)
"""Words that say nothing about what a question is about."""


@functools.lru_cache(maxsize=65_536)
def fold(word: str) -> str:
    """``word`` in lower case, without accents and diaereses."""
    if word.isascii():
        return word.lower()
    bare = unicodedata.normalize("NFKD", word.casefold())
    return "".join(mark for mark in bare if not unicodedata.combining(mark))


def words_of(text: str) -> list[str]:
    """The words of ``text``, folded."""
    return [fold(word) for word in _WORD.findall(text.replace("’", "'"))]


def stems_of(text: str) -> list[str]:
    """The stems of all words of ``text``, in order."""
    return [_folded_stem(word) for word in _WORD.findall(text.replace("’", "'"))]


@functools.lru_cache(maxsize=131_072)
def _folded_stem(word: str) -> str:
    return stem(fold(word))


def content_words(text: str) -> list[str]:
    """The words that say what ``text`` is about, each once; all of them where none would be left.

    Single letters and digits count where they stand for something ("vitamin C", "type 2").
    """
    words = list(dict.fromkeys(words_of(text)))
    return [word for word in words if word not in STOP_WORDS] or words
