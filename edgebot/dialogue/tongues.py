"""In which language something was said, as far as its small words tell.

Function words are the surest sign of a language in short texts; see Grefenstette, "Comparing two
language identification schemes" (1995). Words that the assistant's own language has too count for
nothing, so that a borrowed phrase or a foreign name leaves a sentence what it is.
"""

from __future__ import annotations

import functools
import re
from importlib import resources

import yaml

_WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)?")
MAX_WORDS = 60

LEAST = 2
"""Small words of another language that make a text one of that language …"""

SHARE = 0.4
"""… when they are this share of its words, and its own small words are fewer."""


def foreign(text: str, own: str) -> str | None:
    """Code of the language ``text`` is in, when it is plainly not ``own``; None otherwise.

    None too when nothing is known of ``own``.
    """
    tongues = _tongues()
    if own not in tongues:
        return None
    words = _WORD.findall(text.casefold())[:MAX_WORDS]
    ours = sum(word in tongues[own] for word in words)
    best, theirs = "", set[str]()
    for code, known in others(own):
        found = {word for word in words if word in known and word not in tongues[own]}
        if len(found) > len(theirs):
            best, theirs = code, found
    if len(theirs) >= LEAST and len(theirs) > ours and len(theirs) >= SHARE * len(set(words)):
        return best
    return None


def others(own: str) -> list[tuple[str, frozenset[str]]]:
    """The languages known beside ``own``, with their small words."""
    return [(code, words) for code, words in _tongues().items() if code != own]


@functools.cache
def _tongues() -> dict[str, frozenset[str]]:
    file = resources.files("edgebot.dialogue") / "tongues.yaml"
    # "no", "on" and "y" are words here and not truth values.
    table = yaml.load(file.read_text("utf-8"), Loader=yaml.BaseLoader)
    return {code: frozenset(words) for code, words in table.items()}
