"""A mute that is real: the microphone's device is closed, and opened again."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

from edgebot.audio.reopening import Reopening
from edgebot.core.audio import RATE_HZ, AudioFrame, DeviceTrouble


class Device:
    """A microphone that hears something; counts how many are open."""

    rate_hz = RATE_HZ
    open = 0

    def __init__(self) -> None:
        Device.open += 1
        self._closed = False

    def frames(self) -> Iterator[AudioFrame]:
        while not self._closed:
            yield AudioFrame(np.full(512, 1000, np.int16))

    def close(self) -> None:
        if not self._closed:
            self._closed = True
            Device.open -= 1


def test_the_device_is_closed_and_silence_flows_in_its_place() -> None:
    troubles: list[DeviceTrouble] = []
    slept: list[float] = []
    source = Reopening(Device, troubles.append, sleep=slept.append)
    frames = source.frames()
    assert next(frames).samples.any() and Device.open == 1
    source.mute(True)
    assert Device.open == 0 and source.muted
    beat = source.heartbeat()
    silent = [next(frames) for _ in range(100)]  # more than the silence that counts as a fault
    assert not any(frame.samples.any() for frame in silent)
    assert Device.open == 0 and not troubles
    assert len(slept) >= 99 and source.heartbeat() > beat
    assert all(a.end == b.start for a, b in itertools.pairwise(silent))
    source.mute(False)
    heard = next(frame for frame in frames if frame.samples.any())
    assert Device.open == 1 and heard.start >= silent[-1].end
    assert not troubles
    source.close()
    assert Device.open == 0


def test_it_can_be_muted_before_it_is_ever_opened() -> None:
    source = Reopening(Device, lambda trouble: None, sleep=lambda seconds: None)
    source.mute(True)
    frames = source.frames()
    assert not next(frames).samples.any() and Device.open == 0
    source.mute(False)
    assert next(frames).samples.any() and Device.open == 1
    source.close()
