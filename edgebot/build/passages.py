"""Text cut into windows that a model reads one after the other."""

from __future__ import annotations

import re
from typing import Protocol

from edgebot.core.errors import UsageError


class Tokenizing(Protocol):
    """Whatever turns text into tokens."""

    def tokenize(self, text: str) -> list[int]:
        """The tokens of ``text``."""


LEAD = "\n"
"""Read before every passage and not scored: with it, every byte of the passage is predicted."""


def cut(text: str, characters: int) -> list[str]:
    """``text`` in passages of about so many characters, ended at paragraphs or sentences.

    The same for every vocabulary, so that figures per byte can be compared.
    """
    found: list[str] = []
    passage = ""
    for piece in re.split(r"(?<=\n\n)|(?<=[.!?]\s)", text):
        while len(piece) > characters:
            found += [passage] if passage.strip() else []
            passage, piece = piece[:characters], piece[characters:]
        if len(passage) + len(piece) > characters and passage.strip():
            found.append(passage)
            passage = ""
        passage += piece
    if passage.strip():
        found.append(passage)
    return [passage.strip() for passage in found if passage.strip()]


def passages(
    model: Tokenizing, text: str, tokens: int, window: int, least_tokens: int = 1
) -> list[list[int]]:
    """About ``tokens`` tokens of ``text`` in windows of at most ``window``, spread evenly over it.

    Raises ``UsageError`` when the text has fewer than ``least_tokens``.
    """
    cuts = cut(text, 3 * window)
    windows: list[list[int]] = []
    taken = 0
    for part in spread(cuts):
        if taken >= tokens:
            break
        found = (model.tokenize(LEAD) + model.tokenize(part))[: min(window, tokens - taken + 1)]
        windows.append(found)
        taken += len(found)
    if taken < least_tokens:
        raise UsageError(
            f"the text has {taken} tokens and at least {least_tokens} are needed; name more text"
        )
    return windows


def spread(parts: list[str]) -> list[str]:
    """``parts`` in an order in which any first few come from all over the text."""
    order: list[str] = []
    step = 1 << max(0, len(parts) - 1).bit_length()
    taken: set[int] = set()
    while step:
        for at in range(0, len(parts), step):
            if at not in taken:
                taken.add(at)
                order.append(parts[at])
        step //= 2
    return order
