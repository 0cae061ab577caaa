"""A microphone that fails in every way, in the simulated room: it always hears again."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np
import pytest

from edgebot.audio.acoustics import Acoustics
from edgebot.audio.reopening import Reopening
from edgebot.audio.room import Room
from edgebot.audio.room_devices import FRAME, Fault
from edgebot.core.audio import RATE_HZ, AudioFrame, DeviceTrouble
from edgebot.core.errors import AudioError


def run(
    fault: Fault, seconds: float, at_s: float = 3.2
) -> tuple[list[AudioFrame], list[DeviceTrouble]]:
    """The frames of a recording in which ``fault`` happens, and what was reported."""
    troubles: list[DeviceTrouble] = []
    room = Room(Acoustics())
    room.on_trouble = troubles.append
    room.end_at(30 * RATE_HZ)
    frames = []
    happened = False
    if at_s == 0:
        room.fail(fault, seconds)
        happened = True
    for frame in room.microphone.frames():
        frames.append(frame)
        if not happened and frame.end >= at_s * RATE_HZ:
            room.fail(fault, seconds)
            happened = True
    return frames, troubles


@pytest.mark.parametrize("fault", ["vanish", "stall", "zeros", "rate"])
@pytest.mark.parametrize("at_s", [0.0, 3.2])
def test_every_fault_is_reported_once_and_overcome_within_two_seconds(
    fault: Fault, at_s: float
) -> None:
    lasts_s = 7.0
    frames, troubles = run(fault, lasts_s, at_s)
    assert [trouble.solved for trouble in troubles] == [False, True]
    assert troubles[0].device == "microphone"
    back = (at_s + lasts_s) * RATE_HZ
    loud = [frame for frame in frames if frame.start >= back and frame.samples.any()]
    assert loud[0].start <= back + 2 * RATE_HZ
    assert frames[-1].end >= 29.9 * RATE_HZ


def test_positions_tell_how_much_was_lost() -> None:
    frames, _ = run("vanish", 7.0)
    jumps = [
        (after.start - before.end) / RATE_HZ
        for before, after in itertools.pairwise(frames)
        if after.start != before.end
    ]
    assert len(jumps) == 1
    assert jumps[0] == pytest.approx(7.0, abs=2.0)


def test_a_hiccup_is_no_outage() -> None:
    frames, troubles = run("stall", 1.0)
    assert not troubles
    _, troubles = run("zeros", 3.0)
    assert not troubles
    assert len(frames) > 800


def test_a_muted_microphone_may_be_wanted() -> None:
    room = Room(Acoustics(echo_db=None, noise_dbfs=None))
    room.end_at(20 * RATE_HZ)
    troubles: list[DeviceTrouble] = []
    source = Reopening(
        lambda: _Once(room), troubles.append, zeros_are_a_fault=False, clock=room.seconds
    )
    assert sum(len(frame.samples) for frame in source.frames()) == 20 * RATE_HZ
    assert not troubles


class _Once:
    rate_hz = RATE_HZ

    def __init__(self, room: Room) -> None:
        self._room = room

    def frames(self) -> Iterator[AudioFrame]:
        while (frame := self._room.next_frame()) is not None:
            yield frame

    def close(self) -> None: ...


def test_pauses_grow_and_close_ends_them() -> None:
    pauses: list[float] = []

    def refuse() -> _Once:
        raise AudioError("no such device")

    def sleep(seconds: float) -> None:
        pauses.append(seconds)
        if len(pauses) == 8:
            source.close()

    troubles: list[DeviceTrouble] = []
    source = Reopening(refuse, troubles.append, clock=lambda: 0.0, sleep=sleep)
    assert not list(source.frames())
    assert pauses == [0.1, 0.2, 0.4, 0.8, 1.5, 1.5, 1.5, 1.5]
    assert len(troubles) == 1
    assert source.heartbeat() == 8


def test_a_speaker_that_is_gone_loses_what_is_written() -> None:
    room = Room(Acoustics(noise_dbfs=None))
    troubles: list[DeviceTrouble] = []
    room.on_trouble = troubles.append
    room.fail("speaker", 0.5)
    frames = room.microphone.frames()
    room.speaker.write(AudioFrame(np.full(2000, 900, np.int16)))
    for _ in range(10):
        next(frames)
    assert not room.heard()
    for _ in range(10):
        next(frames)
    room.speaker.write(AudioFrame(np.full(FRAME, 900, np.int16)))
    next(frames)
    assert room.heard()
    assert [trouble.solved for trouble in troubles] == [False, True]
