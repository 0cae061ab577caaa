"""What lights look like in each state of the assistant."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from edgebot.panel.gpio import Colour

_WHITE: Colour = (1, 1, 1)


@dataclass(frozen=True, slots=True)
class Pattern:
    """``colour`` for ``on_s``, then dark for ``off_s``, and again; never dark where that is 0."""

    colour: Colour
    on_s: float = 1.0
    off_s: float = 0.0


_DARK = Pattern((0, 0, 0))
COLOURS: Mapping[str, Pattern] = {
    "asleep": _DARK,
    "heard": Pattern(_WHITE),
    "listening": Pattern((0, 0, 1)),
    "thinking": Pattern((1, 0.5, 0), 0.3, 0.3),
    "speaking": Pattern((0, 1, 0)),
    "muted": Pattern((0.3, 0, 0)),
    "error": Pattern((1, 0, 0), 0.15, 0.15),
}
"""For a light of three colours."""

RHYTHMS: Mapping[str, Pattern] = {
    "asleep": _DARK,
    "heard": Pattern(_WHITE, 0.05, 0.05),
    "listening": Pattern(_WHITE),
    "thinking": Pattern(_WHITE, 0.25, 0.25),
    "speaking": Pattern(_WHITE, 0.7, 0.3),
    "muted": Pattern(_WHITE, 0.1, 3.0),
    "error": Pattern(_WHITE, 0.1, 0.1),
}
"""For a single LED."""
