"""The microphone of a sound card, with each of its faults."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from edgebot.audio.microphone import FRAME, Microphone
from edgebot.audio.portaudio import SETTLING_S, PortAudio
from edgebot.audio.reopening import Reopening
from edgebot.core.audio import RATE_HZ, DeviceTrouble
from edgebot.core.errors import AudioError
from tests.unit.audio.fake_sounddevice import TONE, TONE_HZ, Clock, FakeSoundDevice


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def card(clock: Clock) -> FakeSoundDevice:
    return FakeSoundDevice(clock)


def door(card: FakeSoundDevice, nodes: list[str] | None = None) -> PortAudio:
    return PortAudio(card, clock=card.clock, seen=lambda: tuple(nodes or ()))


def opened(card: FakeSoundDevice, device: str | None = None) -> Microphone:
    return Microphone(door(card), device, clock=card.clock, sleep=card.clock.sleep)


@pytest.mark.parametrize("rate_hz", [8_000, 16_000, 44_100, 48_000])
def test_frames_of_16_khz_come_from_a_device_of_any_rate(clock: Clock, rate_hz: int) -> None:
    microphone = opened(FakeSoundDevice(clock, rate_hz))
    frames = list(itertools.islice(microphone.frames(), 60))
    assert [frame.start for frame in frames] == list(range(0, 60 * FRAME, FRAME))
    sound = np.concatenate([frame.samples for frame in frames])[-RATE_HZ:]
    spectrum = np.abs(np.fft.rfft(sound))
    assert np.argmax(spectrum) == pytest.approx(TONE_HZ, abs=1)
    assert np.abs(sound).max() == pytest.approx(TONE, rel=0.05)


def test_a_device_that_is_unplugged_is_an_error_at_once(card: FakeSoundDevice) -> None:
    frames = opened(card).frames()
    next(frames)
    card.plugged_in = False
    with pytest.raises(AudioError, match="opened anew"):
        next(frames)


def test_a_device_that_stalls_is_noticed(card: FakeSoundDevice) -> None:
    frames = opened(card).frames()
    next(frames)
    card.stalled = True
    before = card.clock()
    with pytest.raises(AudioError, match="delivers no sound"):
        next(frames)
    assert card.clock() - before < 3.0


def test_a_device_that_changes_its_rate_is_noticed(card: FakeSoundDevice) -> None:
    frames = opened(card).frames()
    card.pace = 44_100 / 48_000
    with pytest.raises(AudioError, match="samples a second instead of 48000"):
        for _ in itertools.islice(frames, 20 * RATE_HZ // FRAME):
            pass


def test_a_reader_that_was_busy_is_no_change_of_rate(card: FakeSoundDevice) -> None:
    microphone = opened(card)
    frames = microphone.frames()
    for _ in range(20):
        next(frames)
        card.clock.sleep(1.5)
    assert microphone.overflows


def test_a_missing_device_is_named_and_looked_for_anew(card: FakeSoundDevice) -> None:
    card.plugged_in = card.listed = False
    with pytest.raises(AudioError, match=r"'card' cannot be opened.*edgebot doctor"):
        opened(card, "card")
    assert card._initialized == 1
    card.plugged_in = True
    next(opened(card, "card").frames())


def test_close_ends_the_frames_and_releases_the_device(card: FakeSoundDevice) -> None:
    microphone = opened(card)
    frames = microphone.frames()
    next(frames)
    microphone.close()
    microphone.close()
    assert not list(frames)
    assert not card.open


def test_close_of_a_device_that_is_gone_raises_nothing(card: FakeSoundDevice) -> None:
    microphone = opened(card)
    card.plugged_in = False
    microphone.close()
    assert not card.open


@pytest.mark.parametrize("fault", ["plugged_in", "stalled", "zeros"])
def test_reopened_after_a_fault_it_hears_again(card: FakeSoundDevice, fault: str) -> None:
    troubles: list[DeviceTrouble] = []
    shared = door(card)
    source = Reopening(
        lambda: Microphone(shared, clock=card.clock, sleep=card.clock.sleep),
        troubles.append,
        clock=card.clock,
        sleep=card.clock.sleep,
    )
    frames = source.frames()
    next(frames)
    setattr(card, fault, not getattr(card, fault))
    ends = card.clock() + 8.0

    def sleep(seconds: float) -> None:
        card.clock.sleep(seconds)
        if card.clock() > ends:
            card.plugged_in, card.stalled, card.zeros = True, False, False

    source._sleep = sleep
    while not (troubles and troubles[-1].solved):
        next(frames)
        if card.clock() > ends:
            card.zeros = False
    assert [trouble.solved for trouble in troubles] == [False, True]
    assert card.clock() - ends < 2.0
    source.close()
    assert not card.open


# --- the list of devices


def test_the_list_is_read_anew_only_when_no_stream_is_open(card: FakeSoundDevice) -> None:
    shared = door(card)
    stream = shared.open_output(None)
    shared.rescan()
    assert card._initialized == 0
    shared.close(stream)
    shared.rescan()
    assert card._initialized == 1


def test_streams_are_asked_for_only_after_something_was_plugged_in(card: FakeSoundDevice) -> None:
    nodes = ["controlC0"]
    shared = door(card, nodes)
    stream = shared.open_output(None)
    shared.rescan()
    assert not shared.wanted()
    nodes.append("controlC1")
    shared.rescan()
    assert shared.wanted()
    shared.close(stream)
    shared.rescan()
    assert not shared.wanted()
    stream = shared.open_output(None)
    card.clock.sleep(SETTLING_S)
    shared.rescan()
    assert not shared.wanted()
