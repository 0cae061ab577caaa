"""Generated tones."""

from __future__ import annotations

import numpy as np
import pytest

from edgebot.audio.tones import tones


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 22_050, 48_000])
def test_tones_are_short_soft_and_do_not_clip(rate_hz: int) -> None:
    made = tones(rate_hz)
    assert set(made) == {"listening", "heard", "thinking", "error", "ring"}
    for name, samples in made.items():
        assert samples.dtype == np.int16
        assert 0.05 * rate_hz < len(samples) < 1.5 * rate_hz
        assert abs(int(samples[0])) < 50 and abs(int(samples[-1])) < 50, name
        assert 2_000 < np.abs(samples.astype(int)).max() < 10_000
        # a click would be a step between two samples that no note of 1 kHz can make
        assert np.abs(np.diff(samples.astype(int))).max() < 10_000 * 12_000 / rate_hz


def test_tones_can_be_told_apart() -> None:
    made = tones(16_000)
    assert len({samples.tobytes() for samples in made.values()}) == len(made)
