"""Cutting a finished text into sentences that can be spoken one by one."""

from __future__ import annotations

import re

_END = re.compile(r"(?<=[.!?…])[\"”’)]*\s+(?=[\"“‘(]?[^\s.,;])")
_ABBREVIATION = re.compile(r"(?:\b(?:mr|mrs|ms|dr|st|prof|vs|etc|approx|[a-z])\.)$", re.IGNORECASE)


def split(text: str) -> list[str]:
    """Sentences of ``text``, each stripped; initials and common titles do not end one."""
    sentences: list[str] = []
    start = 0
    for end in _END.finditer(text):
        piece = text[start : end.end()].strip()
        if _ABBREVIATION.search(piece):
            continue
        sentences.append(piece)
        start = end.end()
    if rest := text[start:].strip():
        sentences.append(rest)
    return sentences
