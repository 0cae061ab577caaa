"""The loudspeaker of a sound card, with a thread of its own that never leaves the device hungry."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from typing import Any

import numpy as np
import soxr

from edgebot.audio.outage import Outage
from edgebot.audio.playback_queue import FULL_SCALE, PlaybackQueue, Signal
from edgebot.audio.portaudio import PortAudio
from edgebot.core.audio import RATE_HZ, AudioFrame, DeviceTrouble, Samples
from edgebot.core.errors import AudioError

BLOCK = 256
"""Samples of a block at 16 kHz: 16 ms."""

PRIMING_S = 0.128
"""Silence that a freshly opened device gets first: amplifiers and virtual speakers lose the
beginning of what they play."""

POLL_S = 0.01
STALLED_S = 3.0
"""Seconds in which a device takes nothing after which it has failed; virtual sinks of PulseAudio
take up to 2 s to begin."""


class Loudspeaker:
    """A :class:`~edgebot.core.audio.Playback` through PortAudio's blocking streams.

    The stream never pauses: silence is written between replies, so that what is played keeps its
    place relative to what the microphone records (an echo canceller lives on that), and amplifiers
    do not click. ``played`` gets each block at 16 kHz at the moment it is handed to the device.

    A device that fails is reopened with growing pauses; until then time passes and what is written
    is lost.
    """

    rate_hz = RATE_HZ

    def __init__(
        self,
        portaudio: PortAudio,
        device: str | None,
        tell: Callable[[DeviceTrouble], None],
        *,
        played: Callable[[Signal], None] | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] | None = None,
    ) -> None:
        self._portaudio = portaudio
        self._device = device
        self._outage = Outage("speaker", tell)
        self._played = played
        self._clock = clock
        self._closed = threading.Event()
        self._sleep = sleep or self._closed.wait
        self._queue = PlaybackQueue(RATE_HZ)
        self._buffered_s = 0.0
        self._silent_s = 0.0
        """Silence written behind the last sound, in seconds."""
        self._blocks = 0
        self._losing = False
        """The device is out of order: what is written is lost."""
        self._thread = threading.Thread(target=self._run, name="loudspeaker", daemon=True)
        self._thread.start()

    def write(self, frame: AudioFrame) -> None:
        """Queue ``frame``; blocks while more than 0.2 s wait.

        While the device is out of order it takes as long as the sound would, whatever the device's
        driver waits for meanwhile.
        """
        if self._losing:
            self._sleep(len(frame.samples) / frame.rate_hz)
        else:
            self._queue.write(frame)

    def flush(self) -> None:
        """Nothing follows for now: play what is held back for a whole block, too."""
        self._queue.flush()

    def pending_s(self) -> float:
        """Seconds that wait, the device's own buffer included."""
        waiting_s = self._queue.pending_s()
        if waiting_s:
            return waiting_s + self._buffered_s
        return max(0.0, self._buffered_s - self._silent_s)

    def stop(self) -> None:
        """Drop what waits; silence follows as soon as the device's buffer has run out."""
        self._queue.stop()

    def set_gain(self, gain: float) -> None:
        """Loudness from the next block on."""
        self._queue.set_gain(gain)

    def heartbeat(self) -> int:
        """Blocks handed to the device, and attempts to open it."""
        return self._blocks + self._outage.attempts

    def close(self) -> None:
        """Release the device; what waits is dropped."""
        self._closed.set()
        self._queue.close()
        self._thread.join(5.0)

    def _run(self) -> None:
        while not self._closed.is_set():
            try:
                stream = self._portaudio.open_output(self._device)
                try:
                    self._feed(stream)
                except AudioError:
                    self._lose()  # now: to close a dead device may take seconds
                    raise
                finally:
                    self._buffered_s = 0.0
                    self._portaudio.close(stream)
                self._give_way()
            except AudioError as error:
                self._lose()
                delay_s = self._outage.failed(str(error))
                self._portaudio.rescan()
                self._sleep(delay_s)

    def _feed(self, stream: Any) -> None:
        """Hand blocks over until closed, or until somebody needs all streams to be closed.

        Raises ``AudioError`` when the device fails.
        """
        rate_hz = int(stream.samplerate)
        resampler = None
        if rate_hz != RATE_HZ:
            resampler = soxr.ResampleStream(RATE_HZ, rate_hz, 1, dtype="float32", quality="HQ")
        try:
            room = stream.write_available
            given = 0
            priming = round(PRIMING_S * rate_hz)
            while not self._closed.is_set():
                signal = self._next_block() if given >= priming else None
                if signal is None:
                    if self._portaudio.wanted():
                        return
                    signal = np.zeros(BLOCK, np.float32)
                data = signal if resampler is None else resampler.resample_chunk(signal)
                if not self._hand_over(stream, room, _int16(data)):
                    return
                self._blocks += 1
                if self._played is not None:
                    self._played(signal)
                given += len(data)
                if given > 2 * room:  # a device that hangs takes one buffer, too
                    self._losing = False
                    self._outage.over()
        except self._portaudio.failure() as error:
            raise AudioError(f"the speaker failed ({error}); it is opened anew") from None

    def _next_block(self) -> Signal | None:
        """The next 16 ms; None in silence."""
        signal = self._queue.take(BLOCK)
        if not len(signal):
            self._silent_s += BLOCK / RATE_HZ
            return None
        self._silent_s = 0.0
        return np.pad(signal, (0, BLOCK - len(signal)))

    def _hand_over(self, stream: Any, room: int, data: Samples) -> bool:
        """Write all of ``data``; False when closed meanwhile.

        Whatever is free is filled: sound servers begin to play only when the buffer is full.
        """
        last = self._clock()
        while not self._closed.is_set():
            free = stream.write_available
            self._buffered_s = max(0, room - free) / stream.samplerate
            if free > 0:
                stream.write(data[:free].tobytes())
                data = data[free:]
                last = self._clock()
            if not len(data):
                return True
            if self._clock() - last > STALLED_S:
                raise AudioError("the speaker takes no more sound; it is opened anew")
            self._sleep(POLL_S)
        return False

    def _give_way(self) -> None:
        """Keep the device closed while the list of devices is read anew."""
        began = self._clock()
        while self._portaudio.wanted() and self._clock() - began < 1.0:
            if self._closed.is_set():
                return
            self._sleep(POLL_S)

    def _lose(self) -> None:
        """Let nobody wait for a device that is out of order."""
        self._losing = True
        self._queue.stop()


def _int16(signal: Signal) -> Samples:
    scaled: Samples = np.clip(np.rint(signal * FULL_SCALE), -32768, 32767).astype(np.int16)
    return scaled
