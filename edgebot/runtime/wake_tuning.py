"""Which sensitivity would have been right, from the scores of the past."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from edgebot.runtime.wake_scores import Score

AGAIN_S = 8.0
"""A near miss counts as an attempt when somebody is heard to wake the assistant so soon after."""

ENOUGH = 10
"""Wakings that were followed by speech, from which on there is something to learn."""

_MISS_COSTS = 3.0
"""Not to be heard is as bad as so many false wakings."""

_MARGIN = 0.03
"""Room left below the lowest score that ought to wake."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A sensitivity and what it would have meant for the scores of the past."""

    sensitivity: float
    missed: int
    """Attempts that would not have been heard."""

    false: int
    """Wakings that nobody meant."""


def labelled(scores: Sequence[Score]) -> list[tuple[Score, bool]]:
    """Each score and whether somebody meant to wake the assistant.

    A waking was meant when somebody spoke afterwards; a near miss when the word was said again
    soon after, and heard then.
    """
    ordered = sorted(scores, key=lambda score: score.at)
    found = []
    for index, score in enumerate(ordered):
        meant = bool(score.followed)
        if score.followed is None:
            later = (one for one in ordered[index + 1 :] if one.at - score.at <= AGAIN_S)
            meant = any(one.followed and one.word == score.word for one in later)
        found.append((score, meant))
    return found


def outcome(scores: Sequence[tuple[Score, bool]], sensitivity: float) -> Suggestion:
    """What ``sensitivity`` would have meant."""
    missed = sum(meant and score.needs > sensitivity for score, meant in scores)
    false = sum(not meant and score.needs <= sensitivity for score, meant in scores)
    return Suggestion(sensitivity, missed, false)


def suggest(scores: Sequence[tuple[Score, bool]], now: float) -> Suggestion | None:
    """The sensitivity nearest to ``now`` that costs the least; None while too little is known."""
    if sum(meant for _, meant in scores) < ENOUGH:
        return None
    wanted = (min(1.0, score.needs + _MARGIN) for score, meant in scores if meant)
    candidates = {now, *(round(one, 2) for one in wanted)}

    def cost(candidate: Suggestion) -> tuple[float, float]:
        total = _MISS_COSTS * candidate.missed + candidate.false
        return total, abs(candidate.sensitivity - now)

    return min((outcome(scores, one) for one in candidates), key=cost)
