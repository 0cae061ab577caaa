"""Short tones, generated: they need no files and sound the same at every rate."""

from __future__ import annotations

import numpy as np

from edgebot.core.audio import Samples

EDGE_S = 0.012
"""Each note fades in and out, since a sudden edge clicks."""

LEVEL = 0.15

_Note = tuple[float, float]
"""Hertz (0 a pause) and seconds."""

_MELODIES: dict[str, tuple[_Note, ...]] = {
    "listening": ((660.0, 0.07), (880.0, 0.09)),
    "heard": ((880.0, 0.07),),
    "thinking": ((440.0, 0.06), (0.0, 0.08), (440.0, 0.06)),
    "error": ((330.0, 0.14), (247.0, 0.2)),
    "ring": ((784.0, 0.16), (988.0, 0.16), (784.0, 0.16), (988.0, 0.16), (0.0, 0.6)),
}


def tones(rate_hz: int) -> dict[str, Samples]:
    """All tones by name (``listening heard thinking error ring``), 16-bit mono at ``rate_hz``."""
    return {
        name: np.concatenate([_note(hertz, seconds, rate_hz) for hertz, seconds in melody])
        for name, melody in _MELODIES.items()
    }


def _note(hertz: float, seconds: float, rate_hz: int) -> Samples:
    count = round(seconds * rate_hz)
    if not hertz:
        return np.zeros(count, np.int16)
    at = np.arange(count) / rate_hz
    # A little of the octave keeps it audible on loudspeakers without low notes.
    wave = np.sin(2.0 * np.pi * hertz * at) + 0.25 * np.sin(4.0 * np.pi * hertz * at)
    edge = max(1, min(round(EDGE_S * rate_hz), count // 2))
    fade = np.ones(count)
    fade[:edge] = 0.5 - 0.5 * np.cos(np.pi * np.arange(edge) / edge)
    fade[count - edge :] = fade[:edge][::-1]
    note: Samples = np.rint(wave * fade * LEVEL * 32767.0).astype(np.int16)
    return note
