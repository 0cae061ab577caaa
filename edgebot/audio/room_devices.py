"""The devices of a simulated room."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING, Literal, TypeAlias

import numpy as np

from edgebot.audio.playback_queue import PlaybackQueue
from edgebot.core.audio import RATE_HZ, AudioFrame
from edgebot.core.errors import AudioError

if TYPE_CHECKING:
    from edgebot.audio.room import Room

FRAME = 512
"""Samples of a frame: 32 ms."""

STALLED_S = 2.0
"""Simulated seconds after which a stalled microphone is noticed, as with a sound card."""

Fault: TypeAlias = Literal["vanish", "stall", "zeros", "rate", "speaker"]
"""What can happen to devices: the microphone is gone (at the start: missing), delivers nothing,
delivers zeros, changes its rate; the speaker is gone and what is written to it is lost."""


class RoomMicrophone:
    """The device that hears the room, with its faults; :attr:`Room.microphone` gets over them."""

    rate_hz = RATE_HZ

    def __init__(self, room: Room) -> None:
        self._room = room
        if room.failing("vanish"):
            raise AudioError("the microphone is gone; plug it in")

    def frames(self) -> Iterator[AudioFrame]:
        """Yield frames of 32 ms; each moves the room's clock on. Raises ``AudioError``."""
        room = self._room
        changed = False
        while (frame := room.next_frame()) is not None:
            if room.failing("vanish"):
                raise AudioError("the microphone is gone; plug it in")
            if room.failing("stall"):
                self._stall()
                continue
            if room.failing("zeros"):
                frame = replace(frame, samples=np.zeros(FRAME, np.int16))
            changed = changed or room.failing("rate")
            yield replace(frame, rate_hz=48_000) if changed else frame

    def _stall(self) -> None:
        began = self._room.seconds()
        while self._room.failing("stall"):
            if self._room.next_frame() is None:
                return
            if self._room.seconds() - began > STALLED_S:
                raise AudioError("the microphone delivers no sound; it is opened anew")

    def close(self) -> None:
        """Nothing is held; the recording ends with :meth:`Room.close`."""


class RoomSpeaker:
    """The loudspeaker of a room, as a :class:`~edgebot.core.audio.Playback`."""

    rate_hz = RATE_HZ

    def __init__(self, buffer_s: float) -> None:
        self.queue = PlaybackQueue(RATE_HZ, buffer_s)

    def write(self, frame: AudioFrame) -> None:
        """Queue ``frame``; blocks while more than the buffer waits."""
        self.queue.write(frame)

    def flush(self) -> None:
        """Nothing follows for now."""
        self.queue.flush()

    def pending_s(self) -> float:
        """Seconds that are not played yet."""
        return self.queue.pending_s()

    def stop(self) -> None:
        """Drop what waits: the next frame is silent."""
        self.queue.stop()

    def set_gain(self, gain: float) -> None:
        """Loudness from the next frame on."""
        self.queue.set_gain(gain)

    def close(self) -> None:
        """Drop what waits, for good."""
        self.queue.close()
