"""Log-mel features as Whisper's feature extractor makes them.

A. Radford et al., "Robust Speech Recognition via Large-Scale Weak Supervision", 2022; the filter
bank is Slaney's (M. Slaney, "Auditory Toolbox", 1998). Same figures as ``WhisperFeatureExtractor``
of the ``transformers`` package with ``do_normalize=True``.
"""

from __future__ import annotations

import functools
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from edgebot.core.audio import RATE_HZ

Floats: TypeAlias = npt.NDArray[np.float32]
_Doubles: TypeAlias = npt.NDArray[np.float64]

WINDOW = 400
HOP = 160
MELS = 80

_KNEE_HZ, _KNEE_MEL = 1000.0, 15.0
"""Below it the scale is linear, above it logarithmic."""

_STEP = np.log(6.4) / 27.0


def log_mel(waveform: Floats) -> Floats:
    """Features of ``waveform``, shape (n,): shape (80, n // 160), about -1 … 1."""
    scaled = (waveform - waveform.mean()) / np.sqrt(waveform.var() + 1e-7)
    padded = np.pad(scaled, WINDOW // 2, mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP][
        : len(waveform) // HOP
    ]
    spectrum = np.fft.rfft(windows * _hann(), axis=1)
    power = (spectrum.real**2 + spectrum.imag**2).astype(np.float32)
    logarithm = np.log10(np.maximum(1e-10, _filters() @ power.T))
    limited = np.maximum(logarithm, logarithm.max() - 8.0)
    features: Floats = ((limited + 4.0) / 4.0).astype(np.float32)
    return features


@functools.cache
def _hann() -> Floats:
    return np.hanning(WINDOW + 1)[:-1].astype(np.float32)


@functools.cache
def _filters() -> Floats:
    """Triangular filters of equal area, shape (80, 201)."""
    edges = _hertz(np.linspace(_mel(0.0), _mel(RATE_HZ / 2), MELS + 2))
    bins = np.linspace(0, RATE_HZ / 2, WINDOW // 2 + 1)
    widths = np.diff(edges)
    slopes = edges[:, None] - bins[None, :]
    rising = -slopes[:-2] / widths[:-1, None]
    falling = slopes[2:] / widths[1:, None]
    areas = 2.0 / (edges[2:] - edges[:-2])
    filters: Floats = (np.maximum(0, np.minimum(rising, falling)) * areas[:, None]).astype(
        np.float32
    )
    return filters


def _mel(hertz: float) -> float:
    if hertz < _KNEE_HZ:
        return 3.0 * hertz / 200.0
    return float(_KNEE_MEL + np.log(hertz / _KNEE_HZ) / _STEP)


def _hertz(mels: _Doubles) -> _Doubles:
    linear = 200.0 * mels / 3.0
    return np.where(mels < _KNEE_MEL, linear, _KNEE_HZ * np.exp(_STEP * (mels - _KNEE_MEL)))
