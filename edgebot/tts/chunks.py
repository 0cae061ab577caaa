"""Cutting a text into the pieces a voice is given one by one.

The first piece is short, because nothing is heard before it is synthesized; the others are whole
sentences, because a voice needs the sentence for its melody.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

FIRST_CHARS = (8, 48)
"""The first piece may end at a pause of the first sentence that lies within these characters."""

SHORT_CHARS = 24
"""A sentence up to here is synthesized in one piece: that takes no longer than its first words."""

LONGEST_CHARS = 240
"""A piece longer than this is cut at a pause, else at a word."""

_SENTENCE = re.compile(r"(?<=[.!?…。！？])[\"'”’)]*\s+")
_PAUSE = re.compile(r"(?<=[,;:–—])\s+")


def chunks(text: str) -> Iterator[str]:
    """Pieces of ``text`` in order, none empty, none longer than :data:`LONGEST_CHARS`."""
    sentences = [part.strip() for part in _SENTENCE.split(text) if part.strip()]
    for index, sentence in enumerate(sentences):
        if index == 0:
            head, sentence = _first_clause(sentence)
            if head:
                yield head
        yield from _bounded(sentence)


def _first_clause(sentence: str) -> tuple[str, str]:
    """A short beginning of a long sentence, and the rest; an empty beginning for a short one."""
    if len(sentence) <= SHORT_CHARS:
        return "", sentence
    for pause in _PAUSE.finditer(sentence):
        if FIRST_CHARS[0] <= pause.start() <= FIRST_CHARS[1]:
            return sentence[: pause.start()], sentence[pause.end() :]
    return "", sentence


def _bounded(sentence: str) -> Iterator[str]:
    while len(sentence) > LONGEST_CHARS:
        cut = LONGEST_CHARS
        pauses = [match.start() for match in _PAUSE.finditer(sentence, 0, LONGEST_CHARS)]
        if pauses and pauses[-1] > LONGEST_CHARS // 3:
            cut = pauses[-1]
        elif (space := sentence.rfind(" ", 0, LONGEST_CHARS)) > 0:
            cut = space
        yield sentence[:cut].strip()
        sentence = sentence[cut:].strip()
    if sentence:
        yield sentence
