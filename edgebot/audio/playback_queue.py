"""What waits to be played: resampled, with a gain, dropped at once when asked."""

from __future__ import annotations

import threading
from collections import deque

import numpy as np
import numpy.typing as npt
import soxr

from edgebot.core.audio import AudioFrame

Signal = npt.NDArray[np.float32]
"""Sound as float samples, full scale at ±1."""

FULL_SCALE = 32768.0

_NOTHING = np.zeros(0, np.float32)


class PlaybackQueue:
    """Between the thread that speaks and the device that plays. Safe to use from several threads.

    ``rate_hz`` is the device's rate; :meth:`write` takes frames of any rate.
    """

    def __init__(self, rate_hz: int, buffer_s: float = 0.2) -> None:
        self.rate_hz = rate_hz
        self.changed = threading.Condition()
        self._limit = round(buffer_s * rate_hz)
        self._pieces: deque[Signal] = deque()
        self._waiting = 0
        self._resampler: soxr.ResampleStream | None = None
        self._from_hz = rate_hz
        self._stops = 0
        self._gain = self._gain_now = 1.0
        self._closed = False
        self._flushed = False

    def write(self, frame: AudioFrame) -> None:
        """Append ``frame``; blocks while more than ``buffer_s`` waits."""
        samples = frame.samples.astype(np.float32) / FULL_SCALE
        with self.changed:
            if self._closed:
                return
            stops = self._stops
            self._flushed = False
            self._append(samples, frame.rate_hz)
            self.changed.notify_all()
            while self._waiting > self._limit and stops == self._stops and not self._closed:
                self.changed.wait()

    def _append(self, samples: Signal, rate_hz: int) -> None:
        if rate_hz != self._from_hz:
            self._flush()
            self._from_hz = rate_hz
        if rate_hz != self.rate_hz:
            if self._resampler is None:
                self._resampler = soxr.ResampleStream(
                    rate_hz, self.rate_hz, 1, dtype="float32", quality="HQ"
                )
            samples = self._resampler.resample_chunk(samples)
        self._push(samples)

    def _push(self, samples: Signal) -> None:
        if len(samples):
            self._pieces.append(samples)
            self._waiting += len(samples)

    def _flush(self) -> None:
        """Bring out what the resampler holds back; it begins anew with the next frame."""
        if self._resampler is not None:
            self._push(self._resampler.resample_chunk(_NOTHING, last=True))
            self._resampler = None

    def flush(self) -> None:
        """Nothing follows for now: what the resampler holds back can be taken too."""
        with self.changed:
            self._flush()
            self._flushed = True
            self.changed.notify_all()

    def tail(self) -> bool:
        """Whether what waits is the last of it: it was flushed and is not taken yet."""
        with self.changed:
            return self._flushed and self._waiting > 0

    def waiting(self) -> int:
        """Whole samples that can be taken right away."""
        with self.changed:
            return self._waiting

    def unfinished(self) -> bool:
        """Whether anything waits, in the resampler too."""
        with self.changed:
            return self._waiting > 0 or self._resampler is not None

    def pending_s(self) -> float:
        """Seconds that wait."""
        with self.changed:
            held = 0.0 if self._resampler is None else float(self._resampler.delay())
            return (self._waiting + held) / self.rate_hz

    def take(self, count: int) -> Signal:
        """Take up to ``count`` samples off, with the gain applied."""
        with self.changed:
            if self._waiting < count:
                self._flush()
            taken: list[Signal] = []
            wanted = min(count, self._waiting)
            self._waiting -= wanted
            while wanted:
                piece = self._pieces.popleft()
                if len(piece) > wanted:
                    self._pieces.appendleft(piece[wanted:])
                    piece = piece[:wanted]
                taken.append(piece)
                wanted -= len(piece)
            gain_before, self._gain_now = self._gain_now, self._gain
            gain_after = self._gain
            self.changed.notify_all()
        signal = np.concatenate(taken) if taken else _NOTHING
        if gain_before == gain_after == 1.0 or not len(signal):
            return signal
        # A ramp, since a sudden step would click.
        ramp = np.linspace(gain_before, gain_after, len(signal), dtype=np.float32)
        loud: Signal = signal * ramp
        return loud

    def set_gain(self, gain: float) -> None:
        """Loudness from the next :meth:`take` on."""
        with self.changed:
            self._gain = max(0.0, gain)

    def stop(self) -> None:
        """Drop everything; a blocked :meth:`write` returns."""
        with self.changed:
            self._stops += 1
            self._pieces.clear()
            self._waiting = 0
            self._resampler = None
            self.changed.notify_all()

    def close(self) -> None:
        """Drop everything, for good."""
        with self.changed:
            self._closed = True
        self.stop()
