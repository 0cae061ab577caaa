"""The part of the ``sounddevice`` module that edgebot uses, over a card with faults to order."""

from __future__ import annotations

import threading
import time
from typing import Any

import numpy as np

from edgebot.core.audio import Samples

TONE_HZ = 440.0
TONE = 8000.0


class PortAudioError(Exception):
    """As PortAudio's own."""


class Clock:
    """Time that passes when somebody sleeps."""

    def __init__(self) -> None:
        self._now = 0.0
        self._lock = threading.Lock()

    def __call__(self) -> float:
        with self._lock:
            return self._now

    def sleep(self, seconds: float) -> None:
        """Let time pass, and other threads have a turn."""
        with self._lock:
            self._now += seconds
        time.sleep(0.0002)


class FakeSoundDevice:
    """One microphone and one loudspeaker; the attributes below are its faults."""

    PortAudioError = PortAudioError

    def __init__(self, clock: Any, rate_hz: int = 48_000) -> None:
        self.clock = clock
        self.rate_hz = rate_hz
        self.plugged_in = True
        """Unplugged, open streams raise."""
        self.listed = True
        """Whether it was there when the list of devices was read."""
        self.ears = self.ears_listed = True
        """Whether there is a microphone, and was when the list was read."""
        self.stalled = False
        self.zeros = False
        self.pace = 1.0
        """Samples that really come, as a share of the rate."""
        self._lib = self
        self._initialized = 0
        self.open: list[_Stream] = []
        self.hungry = 0
        """How often the loudspeaker had nothing to play."""
        self.played: list[Samples] = []

    def query_devices(self, device: str | None, kind: str) -> dict[str, Any]:
        """As PortAudio: from the list read when it was initialised."""
        there = self.listed and (self.ears_listed or kind == "output")
        if not there or device not in (None, "card"):
            raise ValueError(f"No {kind} device matching {device!r}")
        return {"default_samplerate": float(self.rate_hz)}

    def RawInputStream(self, **options: Any) -> Microphone:
        """A microphone."""
        return Microphone(self, **options)

    def RawOutputStream(self, **options: Any) -> Loudspeaker:
        """A loudspeaker."""
        return Loudspeaker(self, **options)

    def _terminate(self) -> None:
        assert not self.open, "PortAudio was taken down under an open stream"

    def Pa_Initialize(self) -> int:
        """As PortAudio's own: zero when it went well."""
        self.listed, self.ears_listed = self.plugged_in, self.ears
        return 0

    def sound(self) -> Samples:
        """All that the loudspeaker was given."""
        return np.concatenate([np.zeros(0, np.int16), *self.played])


class _Stream:
    def __init__(self, card: FakeSoundDevice, samplerate: int, latency: float, **_: Any) -> None:
        self.card = card
        self.samplerate = float(samplerate)
        self.buffer = round(latency * samplerate)
        self.done = 0
        self._check()
        self._since = card.clock()
        self._due = 0.0

    def _check(self) -> None:
        if not self.card.plugged_in:
            raise PortAudioError("Unanticipated host error [PaErrorCode -9999]")

    def due(self) -> int:
        """Samples for which there was time so far."""
        now = self.card.clock()
        if not self.card.stalled:
            self._due += (now - self._since) * self.samplerate * self.card.pace
        self._since = now
        return int(self._due)

    def start(self) -> None:
        self.card.open.append(self)

    def abort(self) -> None:
        self._check()

    def close(self) -> None:
        self.card.open.remove(self)


class Microphone(_Stream):
    """Hears a tone."""

    @property
    def read_available(self) -> int:
        """Samples that wait; what does not fit the buffer of 1 s is lost."""
        self._check()
        return min(self.due() - self.done, int(self.samplerate))

    def read(self, count: int) -> tuple[bytes, bool]:
        """As sounddevice: bytes, and whether something was lost."""
        self._check()
        overflowed = self.due() - self.done > self.samplerate
        at = (self.done + np.arange(count)) / self.samplerate
        self.done = self.due() if overflowed else self.done + count
        tone = 0.0 if self.card.zeros else TONE
        return (tone * np.sin(2 * np.pi * TONE_HZ * at)).astype(np.int16).tobytes(), overflowed


class Loudspeaker(_Stream):
    """Keeps what it is given."""

    @property
    def write_available(self) -> int:
        """Samples that fit the buffer now."""
        self._check()
        if self.due() > self.done and self.done:
            self.card.hungry += 1
            self._due = float(self.done)
        return self.buffer - (self.done - min(self.done, self.due()))

    def write(self, data: bytes) -> bool:
        """As sounddevice; would block here for more than fits."""
        samples = np.frombuffer(data, np.int16)
        assert len(samples) <= self.write_available, "this call would have blocked"
        self.done += len(samples)
        self.card.played.append(samples)
        return False
