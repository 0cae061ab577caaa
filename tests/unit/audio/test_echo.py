"""The software echo canceller, its reference, and the platform's."""

from __future__ import annotations

import numpy as np
import pytest

from edgebot.audio.acoustics import Acoustics, impulse_response
from edgebot.audio.echo import BLOCK, MOST_AHEAD, EchoCanceller, Reference
from edgebot.audio.platform_echo import find
from edgebot.audio.sound_card import SoundCard
from edgebot.config.sections.audio import AudioSettings
from edgebot.core.audio import RATE_HZ, Samples
from edgebot.core.errors import AudioError

SECONDS = 8
COUNT = SECONDS * RATE_HZ // BLOCK * BLOCK


def babble(seed: int) -> np.ndarray:
    """Noise that comes and goes like syllables, at about -26 dBFS."""
    random = np.random.default_rng(seed)
    loud = np.repeat(random.random(COUNT // 1600 + 1) ** 2, 1600)[:COUNT]
    return (random.standard_normal(COUNT) * loud * 0.1).astype(np.float32)


def heard(played: np.ndarray, echo_db: float) -> np.ndarray:
    echo = np.convolve(played, impulse_response(Acoustics(echo_db=echo_db)))[:COUNT]
    return echo + np.random.default_rng(9).standard_normal(COUNT) * 10 ** (-75 / 20)


def clean(canceller: EchoCanceller, microphone: np.ndarray, played: np.ndarray) -> Samples:
    samples = np.clip(microphone * 32768, -32768, 32767).astype(np.int16)
    return np.concatenate(
        [
            canceller.process(samples[at : at + BLOCK], played[at : at + BLOCK])
            for at in range(0, COUNT, BLOCK)
        ]
    )


def level_db(signal: np.ndarray) -> float:
    return float(10 * np.log10(np.mean((np.asarray(signal, float)) ** 2) + 1e-12))


@pytest.mark.parametrize("echo_db", [-30.0, -20.0, -10.0])
def test_the_echo_is_mostly_gone_after_some_seconds(echo_db: float) -> None:
    played = babble(1)
    microphone = heard(played, echo_db)
    canceller = EchoCanceller()
    left = clean(canceller, microphone, played) / 32768
    end = COUNT // 2
    assert level_db(microphone[end:]) - level_db(left[end:]) > 15
    assert canceller.echo_db() == pytest.approx(level_db(left[-2 * RATE_HZ :]), abs=6)


def test_a_person_who_speaks_at_the_same_time_is_kept() -> None:
    played = babble(1)
    person = babble(2)
    person[: COUNT // 2] = 0
    left = clean(EchoCanceller(), heard(played, -20.0) + person, played) / 32768
    spoken = slice(COUNT // 2, COUNT)
    assert level_db(left[spoken] - person[spoken]) < level_db(person[spoken]) - 12


def test_somebody_who_often_breaks_in_does_not_raise_the_level_that_has_to_be_exceeded() -> None:
    played = babble(1)
    person = babble(2)
    person[: -2 * RATE_HZ] = 0  # two of the last three seconds
    canceller = EchoCanceller()
    clean(canceller, heard(played, -30.0) + person, played)
    level = canceller.echo_db()
    assert level is not None
    assert level < level_db(person[-2 * RATE_HZ :]) - 6


def test_silence_passes_untouched() -> None:
    microphone = babble(3)
    out = clean(EchoCanceller(), microphone, np.zeros(COUNT, np.float32))
    assert np.array_equal(out, np.clip(microphone * 32768, -32768, 32767).astype(np.int16))


def test_nothing_is_known_before_we_spoke() -> None:
    assert EchoCanceller().echo_db() is None


def test_a_reference_that_has_nothing_to_do_with_it_does_little_harm() -> None:
    microphone = babble(4)
    out = clean(EchoCanceller(), microphone, babble(5)) / 32768
    assert abs(level_db(out) - level_db(microphone)) < 3


def test_the_reference_is_cut_into_blocks_and_padded() -> None:
    reference = Reference()
    for n in range(3):
        reference.put(np.full(256, n + 1, np.float32))
    assert list(np.unique(reference.take())) == [1, 2]
    block = reference.take()
    assert (block[:256] == 3).all() and not block[256:].any()


def test_a_reference_that_runs_ahead_is_realigned() -> None:
    reference = Reference()
    for n in range(MOST_AHEAD // 256 + 1):
        reference.put(np.full(256, n, np.float32))
    assert reference.take()[-1] == MOST_AHEAD // 256
    assert not reference.take().any()


def test_the_platforms_canceller_is_found_by_name() -> None:
    listing = (
        "1\talsa_input.usb\tmodule-alsa-card.c\ts16le 1ch 48000Hz\tIDLE\n"
        "2\techo-cancel-sink.monitor\tPipeWire\tfloat32le 2ch 48000Hz\tIDLE\n"
        "3\techo-cancel-source\tPipeWire\tfloat32le 1ch 48000Hz\tIDLE\n"
    )
    assert find(listing) == "echo-cancel-source"
    assert find("") is None
    assert find("nonsense\nwithout tabs") is None


def test_a_platform_canceller_that_is_missing_is_an_error() -> None:
    with pytest.raises(AudioError, match=r"audio\.echo to software"):
        SoundCard(AudioSettings(echo="platform"), find_platform=lambda: None)
