"""The microphone of a sound card."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import numpy as np
import soxr

from edgebot.audio.portaudio import PortAudio
from edgebot.core.audio import RATE_HZ, AudioFrame, Samples
from edgebot.core.errors import AudioError

FRAME = 512
"""Samples of a frame at 16 kHz: 32 ms."""

POLL_S = 0.01
STALLED_S = 2.0
"""Seconds without a sample after which a device has failed."""

UNREAD_S = 0.2

DRIFT = 0.05
DRIFT_S = 10.0
"""A device whose samples come this much faster or slower than its rate, over so many seconds."""


class Microphone:
    """An :class:`~edgebot.core.audio.AudioSource` through PortAudio's blocking streams.

    It polls for what has arrived and reads no more than that, so that a device that hangs is
    noticed and :meth:`close` never waits for one. Raises ``AudioError`` when the device cannot be
    opened; :meth:`frames` raises it when the device fails or stalls.
    """

    rate_hz = RATE_HZ

    def __init__(
        self,
        portaudio: PortAudio,
        device: str | None = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] | None = None,
    ) -> None:
        self._portaudio = portaudio
        self._clock = clock
        self._closed = threading.Event()
        self._sleep = sleep or self._closed.wait
        self._lock = threading.Lock()
        self._stream = portaudio.open_input(device)
        self.device_rate_hz = int(self._stream.samplerate)
        self.overflows = 0
        """How often the device had to drop sound because nobody read it."""

    def frames(self) -> Iterator[AudioFrame]:
        """Yield frames of 32 ms as they arrive."""
        # Not in 16 bit: soxr dithers those, and the silence of a dead device would look alive.
        resampler = soxr.ResampleStream(
            self.device_rate_hz, RATE_HZ, 1, dtype="float32", quality="HQ"
        )
        rest = np.zeros(0, np.int16)
        position = 0
        last = began = self._clock()
        arrived = 0
        while not self._closed.is_set():
            samples = self._arrived()
            now = self._clock()
            if not len(samples):
                if now - last > STALLED_S:
                    raise AudioError("the microphone delivers no sound; it is opened anew")
                self._sleep(POLL_S)
                continue
            if now - last > UNREAD_S:
                # Nobody read for a while, and what a sound server dropped it does not tell.
                began, arrived = now, 0
            last = now
            arrived += len(samples)
            if now - began > DRIFT_S:
                self._check_rate(arrived / (now - began))
                began, arrived = now, 0
            if self.device_rate_hz != RATE_HZ:
                signal = resampler.resample_chunk(samples.astype(np.float32))
                samples = np.clip(np.rint(signal), -32768, 32767).astype(np.int16)
            rest = np.concatenate([rest, samples])
            while len(rest) >= FRAME:
                yield AudioFrame(rest[:FRAME], RATE_HZ, position)
                position += FRAME
                rest = rest[FRAME:]

    def _arrived(self) -> Samples:
        """What the device has for us, at least 20 ms of it; empty when it has less."""
        with self._lock:
            if self._closed.is_set():
                return np.zeros(0, np.int16)
            try:
                count = self._stream.read_available
                if count < self.device_rate_hz // 50:
                    return np.zeros(0, np.int16)
                data, overflowed = self._stream.read(count)
            except self._portaudio.failure() as error:
                raise AudioError(f"the microphone failed ({error}); it is opened anew") from None
        self.overflows += bool(overflowed)
        return np.frombuffer(bytes(data), np.int16)

    def _check_rate(self, measured_hz: float) -> None:
        if abs(measured_hz / self.device_rate_hz - 1.0) > DRIFT and not self.overflows:
            raise AudioError(
                f"the microphone delivers {measured_hz:.0f} samples a second instead of "
                f"{self.device_rate_hz}; it is opened anew"
            )

    def close(self) -> None:
        """Release the device; a running :meth:`frames` ends. A second call does nothing."""
        with self._lock:
            if self._closed.is_set():
                return
            self._closed.set()
        self._portaudio.close(self._stream)
