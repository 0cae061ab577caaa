"""Audio as the stages hand it on, and the ports it comes in and goes out by."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

Samples: TypeAlias = npt.NDArray[np.int16]

RATE_HZ = 16_000
"""The rate of all audio inside edgebot, in samples a second."""


@dataclass(frozen=True, slots=True)
class AudioFrame:
    """A piece of mono sound."""

    samples: Samples
    """Shape (n,), signed 16-bit."""

    rate_hz: int = RATE_HZ
    """Samples a second."""

    start: int = 0
    """Position of the first sample in its stream, in samples."""

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.rate_hz

    @property
    def end(self) -> int:
        """Position just behind the last sample, in samples."""
        return self.start + len(self.samples)


class AudioSource(Protocol):
    """Where sound comes from. Iteration ends with the recording or with :meth:`close`."""

    rate_hz: int

    def frames(self) -> Iterator[AudioFrame]:
        """Yield consecutive frames; raises ``AudioError`` when the device or file fails."""

    def close(self) -> None:
        """Release the device; a running :meth:`frames` ends."""


class AudioSink(Protocol):
    """Where sound goes to."""

    def write(self, frame: AudioFrame) -> None:
        """Play or store ``frame``; blocks while the device is busy."""

    def close(self) -> None:
        """Finish the file or drain and release the device."""
