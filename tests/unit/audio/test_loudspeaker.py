"""The loudspeaker of a sound card, with each of its faults, and both devices together."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
import pytest

from edgebot.audio.loudspeaker import Loudspeaker
from edgebot.audio.playback_queue import Signal
from edgebot.audio.portaudio import LATENCY_S, PortAudio
from edgebot.audio.sound_card import SoundCard
from edgebot.config.sections.audio import AudioSettings
from edgebot.core.audio import RATE_HZ, AudioFrame, DeviceTrouble
from tests.unit.audio.fake_sounddevice import Clock, FakeSoundDevice

PATIENCE_S = 20.0


def until(there: Callable[[], bool]) -> None:
    """Wait for another thread, for as long as it takes on a busy machine."""
    end = time.monotonic() + PATIENCE_S
    while not there():
        assert time.monotonic() < end
        time.sleep(0.001)


class Rig:
    """A loudspeaker over a fake card."""

    def __init__(self, rate_hz: int = 48_000, *, plugged_in: bool = True) -> None:
        self.clock = Clock()
        self.card = FakeSoundDevice(self.clock, rate_hz)
        self.card.plugged_in = self.card.listed = plugged_in
        self.troubles: list[DeviceTrouble] = []
        self.played: list[Signal] = []
        self.loudspeaker = Loudspeaker(
            PortAudio(self.card, clock=self.clock, seen=lambda: ()),
            None,
            self.troubles.append,
            played=self.played.append,
            clock=self.clock,
            sleep=self.clock.sleep,
        )

    def say(self, seconds: float, level: int = 8000) -> None:
        """Write a tone of 500 Hz."""
        at = np.arange(int(seconds * RATE_HZ)) / RATE_HZ
        tone = (level * np.sin(2 * np.pi * 500 * at)).astype(np.int16)
        for begin in range(0, len(tone), 1280):
            self.loudspeaker.write(AudioFrame(tone[begin : begin + 1280]))
        self.loudspeaker.flush()

    def loud_s(self) -> float:
        """Seconds of sound that the card was given."""
        sound = self.card.sound()  # it grows while we look
        blocks = sound[: len(sound) // 480 * 480].reshape(-1, 480)
        return float(np.count_nonzero(np.abs(blocks).max(axis=1) > 100)) * 480 / self.card.rate_hz

    def outages(self) -> list[bool]:
        return [trouble.solved for trouble in self.troubles]


@pytest.fixture
def rig() -> Iterator[Rig]:
    rig = Rig()
    yield rig
    rig.loudspeaker.close()
    assert not rig.card.open


@pytest.mark.parametrize("rate_hz", [16_000, 44_100, 48_000])
def test_all_of_it_is_played_at_the_rate_of_the_device(rate_hz: int) -> None:
    rig = Rig(rate_hz)
    rig.say(1.0)
    until(lambda: rig.loudspeaker.pending_s() == 0.0)
    rig.loudspeaker.close()
    sound = rig.card.sound()
    loud = np.flatnonzero(np.abs(sound) > 100)
    assert (loud[-1] - loud[0]) / rate_hz == pytest.approx(1.0, abs=0.02)
    spectrum = np.abs(np.fft.rfft(sound[loud[0] : loud[-1]]))
    assert np.argmax(spectrum) * rate_hz / (loud[-1] - loud[0]) == pytest.approx(500, abs=2)


def test_the_device_is_never_hungry(rig: Rig) -> None:
    rig.say(0.3)
    until(lambda: rig.clock() > 3.0)
    rig.say(0.3)
    until(lambda: rig.clock() > 6.0)
    assert rig.card.hungry == 0
    assert rig.loud_s() == pytest.approx(0.6, abs=0.05)


def test_the_reference_is_what_was_handed_over(rig: Rig) -> None:
    rig.say(0.5)
    until(lambda: rig.loudspeaker.pending_s() == 0.0)
    reference = np.concatenate(rig.played)
    assert np.sum(reference**2) == pytest.approx(0.5 * RATE_HZ * 0.5 * (8000 / 32768) ** 2, rel=0.1)


def test_stop_leaves_no_more_than_the_buffer_of_the_device(rig: Rig) -> None:
    speaking = threading.Thread(target=rig.say, args=(60.0,))
    speaking.start()
    until(lambda: rig.loud_s() > 0.5)
    rig.card.stalled = True  # time stands still for the device while we look
    rig.loudspeaker.stop()
    given = rig.loud_s()
    rig.loudspeaker.close()
    speaking.join(PATIENCE_S)
    assert not speaking.is_alive()
    # A piece that was in the hands of the thread may follow.
    assert rig.loud_s() - given <= LATENCY_S + 0.03


def test_gain_changes_what_is_played(rig: Rig) -> None:
    rig.loudspeaker.set_gain(0.25)
    rig.say(0.5, level=16_000)
    until(lambda: rig.loudspeaker.pending_s() == 0.0)
    assert np.abs(rig.card.sound()[-24_000:]).max() == pytest.approx(4000, rel=0.1)


def test_nobody_waits_while_the_driver_of_a_dead_device_hangs(rig: Rig) -> None:
    let_go = threading.Event()
    hung = threading.Event()

    def hang(*_: object) -> None:
        hung.set()
        let_go.wait(PATIENCE_S)

    rig.say(0.2)
    rig.loudspeaker._portaudio.close = hang  # type: ignore[method-assign]
    rig.card.plugged_in = False
    assert hung.wait(PATIENCE_S)
    speaking = threading.Thread(target=rig.say, args=(5.0,))
    speaking.start()
    speaking.join(PATIENCE_S)
    assert not speaking.is_alive()
    assert rig.loudspeaker.pending_s() < 0.1
    let_go.set()
    rig.card.open.clear()


@pytest.mark.parametrize("fault", ["plugged_in", "stalled"])
def test_a_fault_is_told_once_and_its_end_too(rig: Rig, fault: str) -> None:
    rig.say(0.2)
    setattr(rig.card, fault, fault == "stalled")
    until(lambda: rig.outages() == [False])
    assert "opened anew" in rig.troubles[0].reason
    heartbeat = rig.loudspeaker.heartbeat()
    until(lambda: rig.loudspeaker.heartbeat() > heartbeat + 2)
    rig.say(3.0)  # lost, and nobody waits for it for ever
    rig.card.plugged_in, rig.card.stalled = True, False
    until(lambda: rig.outages() == [False, True])
    rig.card.played.clear()
    until(lambda: rig.loudspeaker.pending_s() == 0.0)
    rig.say(0.4)
    until(lambda: rig.loud_s() > 0.35)


def test_a_device_that_comes_later_is_found() -> None:
    rig = Rig(plugged_in=False)
    until(lambda: rig.outages() == [False])
    assert "edgebot doctor" in rig.troubles[0].reason
    rig.card.plugged_in = True
    came = rig.clock()
    until(lambda: rig.outages() == [False, True])
    assert rig.clock() - came < 2.0
    rig.loudspeaker.close()


def test_close_does_not_wait_for_a_device_that_hangs(rig: Rig) -> None:
    rig.card.stalled = True
    until(lambda: rig.loudspeaker.heartbeat() > 2)
    rig.loudspeaker.close()
    assert not any(thread is rig.loudspeaker._thread for thread in threading.enumerate())


# --- both together


def test_a_microphone_that_is_plugged_in_later_gets_the_loudspeaker_to_give_way() -> None:
    nodes: list[str] = []
    clock = time.monotonic
    card = FakeSoundDevice(clock)
    card.ears = card.ears_listed = False
    door = PortAudio(card, clock=clock, seen=lambda: tuple(nodes))
    sound = SoundCard(AudioSettings(echo="software"), portaudio=door)
    troubles: list[DeviceTrouble] = []
    sound.on_trouble = troubles.append
    until(lambda: bool(card.open))
    frames = sound.microphone.frames()
    heard = threading.Thread(target=lambda: next(frames))
    heard.start()
    until(lambda: len(troubles) == 1)
    nodes.append("controlC1")
    card.ears = True
    heard.join(PATIENCE_S)
    assert not heard.is_alive()
    assert [(one.device, one.solved) for one in troubles[:2]] == [
        ("microphone", False),
        ("microphone", True),
    ]
    assert sound.heartbeat() > 0
    sound.close()
    assert not card.open
