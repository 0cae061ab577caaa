"""From one setting between 0 and 1 to the threshold of any wake word."""

from __future__ import annotations

import math

_SPAN = 8.0
"""Logits between the dullest and the keenest setting."""


def threshold(shipped: float, sensitivity: float) -> float:
    """Score from which a word counts: ``shipped`` at a sensitivity of 0.5, lower above it.

    Both are moved in logits, so that scores near 1, where the models spend most of their range,
    are told apart.
    """
    clamped = min(1.0, max(0.0, sensitivity))
    middle = math.log(shipped / (1.0 - shipped))
    return 1.0 / (1.0 + math.exp(-(middle + (0.5 - clamped) * _SPAN)))


def sensitivity_of(shipped: float, score: float) -> float:
    """The sensitivity at which ``score`` is just the threshold: the other way round."""
    within = min(1.0 - 1e-9, max(1e-9, score))
    middle = math.log(shipped / (1.0 - shipped))
    wanted = 0.5 - (math.log(within / (1.0 - within)) - middle) / _SPAN
    return min(1.0, max(0.0, wanted))
