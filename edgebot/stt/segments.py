"""Cutting a stream of sound into stretches of speech, for recognisers that read a piece at a time.

A plain energy gate with a floor that follows the noise: good enough to leave long silence out and
to find a pause to cut at; deciding whether somebody speaks at all is the VAD's business.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgebot.core.audio import RATE_HZ, Samples

_STEP = RATE_HZ // 50
"""Energy is measured over 20 ms."""

_ABOVE_FLOOR = 3.0
"""Speech is this many times louder than the quietest tenth of its surroundings (10 dB) …"""

_BELOW_PEAK = 0.03
"""… and at least this share of the loudest (-30 dB) …"""

_CERTAIN = 0.15
"""… but what reaches this share of the loudest is speech whatever the floor."""

_SILENCE_RMS = 12.0
"""Below this a recording holds nothing (16-bit steps; -69 dB full scale)."""


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of speech."""

    samples: Samples
    start: int
    """Position of its first sample in the stream."""


class Segmenter:
    """Takes samples as they come and gives back stretches of speech that are complete.

    Once ``wanted_s`` are held, a stretch ends at the last pause of ``pause_s`` that leaves it at
    least half as long; when ``longest_s`` are held without one, at the quietest place. Silence at
    its ends is cut down to ``margin_s``.
    """

    def __init__(
        self,
        *,
        wanted_s: float = 15.0,
        longest_s: float = 28.0,
        pause_s: float = 0.4,
        margin_s: float = 0.2,
    ) -> None:
        self._wanted = int(wanted_s * RATE_HZ)
        self._longest = int(longest_s * RATE_HZ)
        self._pause_steps = int(pause_s * RATE_HZ) // _STEP
        self._margin = int(margin_s * RATE_HZ)
        self._pieces: list[Samples] = []
        self._held = 0
        self._start = 0
        self._checked = 0

    def add(self, samples: Samples) -> list[Segment]:
        """Take ``samples``; stretches that they complete."""
        self._pieces.append(samples)
        self._held += len(samples)
        ready: list[Segment] = []
        while self._held >= self._wanted and self._held - self._checked >= RATE_HZ:
            self._checked = self._held
            cut = self._cut_place()
            if not cut:
                break
            ready += self._take(cut)
        return ready

    def rest(self) -> list[Segment]:
        """The last stretch, if there is speech in what is left."""
        return self._take(self._held)

    def held(self) -> Samples:
        """What has been taken and not given back yet, as one array."""
        if len(self._pieces) > 1:
            self._pieces = [np.concatenate(self._pieces)]
        return self._pieces[0] if self._pieces else np.zeros(0, np.int16)

    def _take(self, count: int) -> list[Segment]:
        samples = self.held()
        taken, start = samples[:count], self._start
        self._pieces = [samples[count:]]
        self._held -= count
        self._start += count
        self._checked = 0
        first, end = speech_bounds(taken)
        if first == end:
            return []
        first, end = max(0, first - self._margin), min(count, end + self._margin)
        return [Segment(taken[first:end], start + first)]

    def _cut_place(self) -> int:
        """Where to end the stretch that is held; 0 when it is not time yet."""
        loud = loudness(self.held())
        quiet = ~_is_speech(loud)
        run = 0
        for index in range(len(quiet) - 1, -1, -1):
            run = run + 1 if quiet[index] else 0
            if run >= self._pause_steps:
                middle = (index + run // 2) * _STEP
                if middle >= self._wanted // 2:
                    return middle
                break
        if self._held < self._longest:
            return 0
        half = len(loud) // 2
        return (half + int(np.argmin(np.convolve(loud[half:], np.ones(5) / 5, "same")))) * _STEP


def loudness(samples: Samples) -> npt.NDArray[np.float64]:
    """Root mean square of each 20 ms, in 16-bit steps; a last part that is shorter counts too."""
    if not len(samples):
        return np.zeros(0)
    padded = np.zeros(-(-len(samples) // _STEP) * _STEP)
    padded[: len(samples)] = samples
    loud: npt.NDArray[np.float64] = np.sqrt(np.mean(padded.reshape(-1, _STEP) ** 2, axis=1))
    return loud


def speech_bounds(samples: Samples) -> tuple[int, int]:
    """First sample of speech and the one behind the last; equal when there is none."""
    spoken = np.flatnonzero(_is_speech(loudness(samples)))
    if not len(spoken):
        return 0, 0
    return int(spoken[0]) * _STEP, min(len(samples), (int(spoken[-1]) + 1) * _STEP)


def _is_speech(loud: npt.NDArray[np.float64]) -> npt.NDArray[np.bool_]:
    if not len(loud) or loud.max() < _SILENCE_RMS:
        return np.zeros(len(loud), np.bool_)
    peak = float(np.percentile(loud, 99))
    threshold = max(float(np.percentile(loud, 10)) * _ABOVE_FLOOR, peak * _BELOW_PEAK)
    return loud > max(min(threshold, peak * _CERTAIN), _SILENCE_RMS / 2)
