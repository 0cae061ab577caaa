"""Recordings to find the end of: as they were spoken, and with a silence put in.

Where speech ends is found by energy over the noise floor.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import vosk

from benchmarks import speech_data as data
from benchmarks.common import say
from edgebot.core.audio import RATE_HZ, Samples

FRAME = RATE_HZ // 100
TAIL_S = 2.5
GAPS_MS = (300, 450, 600, 800, 1000)
PAUSE_MS = 200
"""Silences within a sentence count from here on."""

SETS = {"coffee orders": 48, "spoken commands": 24, "home commands (synthetic voice)": 24}
READ = {"read sentences": 8}


@dataclass
class Take:
    """A recording with room noise behind it."""

    kind: str
    samples: Samples
    end: int
    """Reference end of speech, in samples."""

    name: str
    """Who speaks, or the recording where that is not known."""

    gap: tuple[int, int] | None = None
    """A silence put in: first sample and the one behind it."""

    probabilities: list[float] = field(default_factory=list)
    answers: dict[tuple[int, int], float] = field(default_factory=dict)
    words: dict[tuple[int, int], tuple[str, str]] = field(default_factory=dict)

    @property
    def kept_aside(self) -> bool:
        """Whether the limits were chosen without it: half of the speakers."""
        return int(hashlib.md5(self.name.encode()).hexdigest(), 16) % 2 == 1


def active(samples: Samples) -> Any:
    """Whether each 10 ms hold speech, by their energy; shape (n // 160,)."""
    frames = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME).astype(np.float64)
    decibels = 10 * np.log10((frames**2).mean(axis=1) + 1.0)
    floor, peak = np.percentile(decibels, 10), decibels.max()
    threshold = min(max(floor + 12.0, peak - 40.0), peak - 12.0)
    loud = decibels > threshold
    # Runs of less than 30 ms are clicks.
    edges = np.flatnonzero(np.diff(np.concatenate([[0], loud.astype(int), [0]])))
    for begin, end in zip(edges[::2], edges[1::2], strict=True):
        if end - begin < 3:
            loud[begin:end] = False
    return loud


def pauses(samples: Samples) -> list[tuple[int, int]]:
    """Silences of at least :data:`PAUSE_MS` between the first and the last speech, in samples."""
    loud = np.flatnonzero(active(samples))
    gaps = np.flatnonzero(np.diff(loud) > PAUSE_MS / 10)
    return [(int(loud[at] + 1) * FRAME, int(loud[at + 1]) * FRAME) for at in gaps]


def room(samples: Samples, seconds: float, seed: int) -> Samples:
    """Noise as loud as the quietest tenth of ``samples``."""
    frames = samples[: len(samples) // FRAME * FRAME].reshape(-1, FRAME).astype(np.float64)
    level = np.sqrt(np.percentile((frames**2).mean(axis=1), 10))
    noise = np.random.default_rng(seed).standard_normal(int(seconds * RATE_HZ)) * level
    return np.clip(noise, -32768, 32767).astype(np.int16)


def takes(model: Any, quick: bool) -> Iterator[Take]:
    """Sentences as they were spoken, and with a silence of 300–1000 ms between two words."""
    for name, most in (SETS | READ).items():
        say(f"recordings: {name}")
        for at, clip in enumerate(data.clips(name, most // 3 if quick else most)):
            loud = np.flatnonzero(active(clip.samples))
            if len(loud) < 20 or clip.seconds >= data.LONGEST_S:
                continue  # empty, or cut by us
            end = int(loud[-1] + 1) * FRAME
            samples = np.concatenate([clip.samples, room(clip.samples, TAIL_S, at)])
            who = clip.row.get("speaker_cluster") or clip.row["path"]
            yield Take(name, samples, end, who)
            if name in READ or not (cuts := inner_ends(model, clip.samples)):
                continue
            cut = cuts[(7 * at + 3) % len(cuts)]
            gap = room(clip.samples, GAPS_MS[at % len(GAPS_MS)] / 1000, at)
            split = np.concatenate([samples[:cut], gap, samples[cut:]])
            yield Take(name, split, end + len(gap), who, (cut, cut + len(gap)))


def inner_ends(model: Any, samples: Samples) -> list[int]:
    """Ends of the inner words of a recording, in samples."""
    recogniser = vosk.KaldiRecognizer(model, RATE_HZ)
    recogniser.SetWords(True)
    words = []
    for at in range(0, len(samples), RATE_HZ // 10):
        if recogniser.AcceptWaveform(samples[at : at + RATE_HZ // 10].tobytes()):
            words += json.loads(recogniser.Result()).get("result", [])
    words += json.loads(recogniser.FinalResult()).get("result", [])
    return [int(word["end"] * RATE_HZ) for word in words[1:-2]]
