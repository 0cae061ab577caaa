"""The features of the turn detector, against figures of an independent implementation."""

from __future__ import annotations

import numpy as np
import pytest

from edgebot.core.audio import RATE_HZ
from edgebot.vad.log_mel import Floats, log_mel

FRAMES = (0, 299, 302, 400, 500, 650, 799)
MELS = (0, 7, 20, 40, 60, 79)
EXPECTED = [
    [-0.28333, -0.28333, 0.5871, 0.29722, 0.34419, 0.50709, 0.52099],
    [-0.28333, -0.28333, 0.25335, 0.55437, 0.54586, 0.65335, 0.70796],
    [-0.28333, -0.28333, 0.45522, 0.24921, 0.21578, 0.67809, 0.82598],
    [-0.28333, -0.27344, 0.69393, 0.62396, 0.59873, 0.52948, 0.60233],
    [-0.28333, -0.28333, 0.66593, 0.61926, 0.72163, 0.55525, 0.57829],
    [-0.28333, -0.05089, 0.56037, 0.54798, 0.59888, 0.81677, 0.3732],
]
"""``compute_whisper_log_mel_features`` of pipecat 1.14.0 (which replicates transformers'
``WhisperFeatureExtractor``) on :func:`sweep`, at MELS × FRAMES."""


def sweep() -> Floats:
    """Three seconds of silence, then a rising tone that swells and ebbs, with a rattle."""
    t = np.arange(8 * RATE_HZ) / float(RATE_HZ)
    i = np.arange(8 * RATE_HZ, dtype=np.int64)
    swell = 0.4 * np.sin(np.pi * (t - 3) / 5)
    tone = np.where(t > 3, swell * np.sin(2 * np.pi * (80 + 600 * (t - 3)) * (t - 3)), 0)
    rattle = (i * i * 31 + i * 7919) % 65537 / 65537.0 - 0.5
    whole: Floats = (tone.astype(np.float32) + 0.05 * rattle * (t > 3)).astype(np.float32)
    return whole


def test_the_figures_of_another_implementation() -> None:
    features = log_mel(sweep())
    assert features.shape == (80, 800) and features.dtype == np.float32
    np.testing.assert_allclose(features[np.ix_(MELS, FRAMES)], EXPECTED, atol=1e-4)
    assert abs(float(features.mean()) - 0.263738) < 1e-5
    assert abs(float(features.std()) - 0.455341) < 1e-5


def test_loudness_does_not_count() -> None:
    np.testing.assert_allclose(log_mel(sweep()), log_mel(sweep() * np.float32(0.2)), atol=2e-3)


@pytest.mark.parametrize("level", [0.0, 1.0, -1.0])
def test_nothing_but_one_level(level: float) -> None:
    features = log_mel(np.full(8 * RATE_HZ, level, np.float32))
    assert np.isfinite(features).all()
