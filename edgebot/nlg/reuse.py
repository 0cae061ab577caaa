"""How much of the state of one prompt serves the next."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

_SHORTEST_SHIFT = 32
"""Tokens: moving less than this costs more than computing it again."""


@dataclass(frozen=True, slots=True)
class Reuse:
    """What to do with the state before the new prompt is computed."""

    keep: int
    """Tokens at the front that stay where they are."""

    gap: int = 0
    """Tokens to cut out behind them (turns that were dropped)."""

    moved: int = 0
    """Tokens behind the gap that serve again after moving ``gap`` positions down."""

    @property
    def total(self) -> int:
        """Prompt tokens that need no computing."""
        return self.keep + self.moved


def common_prefix(first: Sequence[int], second: Sequence[int]) -> int:
    """Number of tokens both begin with."""
    for at, (left, right) in enumerate(zip(first, second, strict=False)):
        if left != right:
            return at
    return min(len(first), len(second))


def plan_reuse(state: Sequence[int], prompt: Sequence[int]) -> Reuse:
    """Match ``prompt`` against the tokens whose ``state`` is there.

    At least the last token of the prompt is always computed: its scores begin the reply. When
    turns in the middle were dropped, what follows them is moved instead of computed again: rotary
    positions can be shifted (the way of llama.cpp's server, ``--cache-reuse``).
    """
    most = len(prompt) - 1
    keep = min(common_prefix(state, prompt), most)
    if most - keep < _SHORTEST_SHIFT or len(state) - keep < _SHORTEST_SHIFT + 1:
        return Reuse(keep)
    at = _find(state[keep + 1 :], prompt[keep : keep + _SHORTEST_SHIFT])
    if at < 0:
        return Reuse(keep)
    gap = at + 1
    moved = min(common_prefix(state[keep + gap :], prompt[keep:]), most - keep)
    return Reuse(keep, gap, moved)


def _find(haystack: Sequence[int], needle: Sequence[int]) -> int:
    """Index of ``needle`` in ``haystack``; -1 when it is not there."""
    data = np.asarray(haystack, "<i4").tobytes()
    wanted = np.asarray(needle, "<i4").tobytes()
    at = data.find(wanted)
    while at >= 0 and at % 4:
        at = data.find(wanted, at + 1)
    return at // 4 if at >= 0 else -1
