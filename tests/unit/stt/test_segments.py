import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edgebot.core.audio import RATE_HZ, Samples
from edgebot.stt.segments import Segmenter, speech_bounds

RNG = np.random.default_rng(5)


def noise(seconds: float, loud: float) -> Samples:
    return RNG.normal(0, loud, int(seconds * RATE_HZ)).astype(np.int16)


def cut(samples: Samples, block: int = 1600, **limits: float) -> list[tuple[float, float]]:
    segmenter = Segmenter(**limits)
    found = []
    for begin in range(0, len(samples), block):
        found += segmenter.add(samples[begin : begin + block])
    found += segmenter.rest()
    return [(part.start / RATE_HZ, (part.start + len(part.samples)) / RATE_HZ) for part in found]


def test_long_silence_around_speech_is_left_out() -> None:
    recording = np.concatenate([noise(3, 20), noise(1, 3000), noise(4, 20)])
    ((start, end),) = cut(recording)
    assert start == pytest.approx(2.8, abs=0.1) and end == pytest.approx(4.2, abs=0.1)


@pytest.mark.parametrize("loud", [0, 2])
def test_silence_holds_no_speech(loud: float) -> None:
    assert cut(noise(5, loud)) == []
    assert speech_bounds(np.zeros(0, np.int16)) == (0, 0)


def test_a_recording_without_any_pause_is_speech_to_its_ends() -> None:
    assert cut(noise(0.5, 3000)) == [(0.0, 0.5)]


def test_a_stretch_ends_at_a_pause_once_it_is_long_enough() -> None:
    speech = [np.concatenate([noise(6, 3000), noise(0.6, 20)]) for _ in range(3)]
    parts = cut(np.concatenate(speech), wanted_s=8, longest_s=20)
    for (_, end), (start, _) in itertools.pairwise(parts):
        assert any(pause <= end <= start <= pause + 0.7 for pause in (6.0, 12.6))
    assert len(parts) > 1 and all(end - start > 4 for start, end in parts)


def test_speech_without_pauses_is_cut_where_it_is_quietest() -> None:
    recording = noise(40, 3000)
    recording[int(17.0 * RATE_HZ) : int(17.1 * RATE_HZ)] //= 4
    parts = cut(recording, wanted_s=8, longest_s=20)
    assert parts[0][1] == pytest.approx(17.05, abs=0.4)
    assert all(end - start <= 21 for start, end in parts)


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.tuples(st.floats(0.01, 3), st.sampled_from([0, 30, 2500])), max_size=12),
    st.integers(50, 20000),
)
def test_whatever_comes_stretches_are_in_order_and_bounded(
    pieces: list[tuple[float, int]], block: int
) -> None:
    sound = [noise(*piece) for piece in pieces]
    recording = np.concatenate(sound) if sound else np.zeros(0, np.int16)
    parts = cut(recording, block, wanted_s=2, longest_s=5)
    length = len(recording) / RATE_HZ
    ends = [edge for part in parts for edge in part]
    assert ends == sorted(ends) and all(0 <= edge <= length for edge in ends)
    assert all(end - start <= 5 + 1 + block / RATE_HZ for start, end in parts)
