"""Take our own voice out of the microphone with an adaptive filter.

The filter is the partitioned-block frequency-domain Kalman filter of F. Kuech, E. Mabande and
G. Enzner, "State-space architecture of the partitioned-block-based acoustic echo controller"
(ICASSP 2014): each bin of each partition has its own uncertainty, which sets its step. While a
person speaks too, the error is large beyond what the uncertainty explains, and the steps shrink by
themselves; no detector of double talk is needed.
"""

from __future__ import annotations

import math
import threading
from collections import deque

import numpy as np
import numpy.typing as npt

from edgebot.audio.playback_queue import FULL_SCALE, Signal
from edgebot.core.audio import Samples

BLOCK = 512
"""Samples of a block: 32 ms at 16 kHz."""

PARTITIONS = 12
"""Blocks that the filter remembers: 384 ms, the devices' delay and the reverberation."""

FORGETTING = 0.998
"""How surely the room stays as it is, from block to block."""

INITIAL_UNCERTAINTY = 0.01
LEAST_CHANGE = 1e-4
"""Energy of a partition that may always be wrong: partitions are not as independent as the theory
has it, and without this the filter is sure of itself too early (chosen by measurement)."""

ERROR_SMOOTHING = 0.5
MOST_AHEAD = 4096
"""Samples by which the loudspeaker may run ahead of the microphone before they are realigned."""

LEAST_POWER = 1e-10
LEAST_DB = -100.0

LEVEL_BLOCKS = 96
LEVEL_PERCENTILE = 70
"""What is left of the echo is told by a percentile of the last 3 s: a person who begins to speak
meanwhile, for less than a third of it, does not count as echo."""

HEARD_BLOCKS = 1000
MOST_LEFT = 4.0
"""What is left is at most 6 dB above the median of what was heard in the last 32 s while we spoke,
echo and all. So somebody who often breaks in does not raise the level they have to exceed."""

_Spectrum = npt.NDArray[np.complex128]


class EchoCanceller:
    """Blocks of microphone and loudspeaker in, blocks of microphone without echo out.

    The loudspeaker's block must be at most as late as its echo, and at most ``PARTITIONS`` blocks
    earlier. One thread only.
    """

    def __init__(self) -> None:
        bins = BLOCK + 1
        self._reference = np.zeros(2 * BLOCK)
        self._history: _Spectrum = np.zeros((PARTITIONS, bins), np.complex128)
        self._filter: _Spectrum = np.zeros((PARTITIONS, bins), np.complex128)
        self._uncertainty = np.full((PARTITIONS, bins), INITIAL_UNCERTAINTY)
        self._error = np.zeros(bins)
        self._quiet = PARTITIONS
        """Blocks of silence from the loudspeaker since it last played."""
        self._left: deque[float] = deque(maxlen=LEVEL_BLOCKS)
        self._heard: deque[float] = deque(maxlen=HEARD_BLOCKS)

    def process(self, microphone: Samples, played: Signal) -> Samples:
        """One block without echo; ``played`` is the loudspeaker's block, both of 512 samples.

        While the loudspeaker has been silent for longer than the filter remembers, the microphone
        passes untouched and nothing is computed.
        """
        self._quiet = 0 if played.any() else self._quiet + 1
        if self._quiet > PARTITIONS:
            return microphone
        heard = microphone.astype(np.float64) / FULL_SCALE
        error = self._subtract(heard, played)
        if played.any():
            self._left.append(float(np.mean(error**2)))
            self._heard.append(float(np.mean(heard**2)))
        clean: Samples = np.clip(np.rint(error * FULL_SCALE), -32768, 32767).astype(np.int16)
        return clean

    def echo_db(self) -> float | None:
        """Level of what is left while we speak, dB relative to full scale."""
        if len(self._left) < LEVEL_BLOCKS // 8:
            return None
        power = float(np.percentile(self._left, LEVEL_PERCENTILE))
        power = min(power, MOST_LEFT * float(np.median(self._heard)))
        return max(LEAST_DB, 10.0 * math.log10(max(power, 1e-20)))

    def _subtract(self, heard: npt.NDArray[np.float64], played: Signal) -> npt.NDArray[np.float64]:
        self._reference[:BLOCK] = self._reference[BLOCK:]
        self._reference[BLOCK:] = played
        self._history = np.roll(self._history, 1, axis=0)
        self._history[0] = np.fft.rfft(self._reference)
        echo = np.fft.irfft((self._history * self._filter).sum(axis=0))[BLOCK:]
        error: npt.NDArray[np.float64] = heard - echo
        spectrum = np.fft.rfft(np.concatenate([np.zeros(BLOCK), error]))
        self._adapt(spectrum)
        # A filter that has gone astray must not make it worse than it was.
        return error if np.dot(error, error) <= 2.0 * np.dot(heard, heard) else heard

    def _adapt(self, error: _Spectrum) -> None:
        power = np.abs(self._history) ** 2
        # Half of each block of 2 * BLOCK samples is zeros: hence the factor 0.5.
        expected = 0.5 * (power * self._uncertainty).sum(axis=0)
        self._error += (1.0 - ERROR_SMOOTHING) * (np.abs(error) ** 2 - self._error)
        step = self._uncertainty / (expected + self._error + LEAST_POWER)
        update = np.fft.irfft(step * self._history.conj() * error, axis=1)
        update[:, BLOCK:] = 0.0  # the response of a partition has no more than BLOCK samples
        self._filter += np.fft.rfft(update, axis=1)
        self._uncertainty *= 1.0 - 0.5 * step * power
        self._uncertainty *= FORGETTING**2
        self._uncertainty += (1.0 - FORGETTING**2) * (np.abs(self._filter) ** 2 + LEAST_CHANGE)


class Reference:
    """What the loudspeaker's thread played, for the thread that reads the microphone.

    Both devices run at the same pace, so that the same number of samples goes in and out; what a
    start or a hiccup leaves over is dropped.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._blocks: deque[Signal] = deque()
        self._waiting = 0

    def put(self, signal: Signal) -> None:
        """Append what was just handed to the device."""
        with self._lock:
            self._blocks.append(signal)
            self._waiting += len(signal)
            if self._waiting > MOST_AHEAD:
                while self._waiting > BLOCK:
                    self._waiting -= len(self._blocks.popleft())

    def take(self) -> Signal:
        """The next block of 512 samples, silence where nothing was played."""
        taken: list[Signal] = []
        with self._lock:
            wanted = BLOCK
            while wanted and self._blocks:
                block = self._blocks.popleft()
                if len(block) > wanted:
                    self._blocks.appendleft(block[wanted:])
                    block = block[:wanted]
                taken.append(block)
                wanted -= len(block)
            self._waiting -= BLOCK - wanted
        return np.concatenate([*taken, np.zeros(wanted, np.float32)])
