"""Audio as the stages hand it on, and the ports it comes in and goes out by."""

from __future__ import annotations

from collections.abc import Callable, Iterator
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


class Playback(Protocol):
    """The loudspeaker while the assistant speaks. Safe to use from several threads."""

    rate_hz: int
    """Rate of the frames it takes; others are resampled."""

    def write(self, frame: AudioFrame) -> None:
        """Queue ``frame``; blocks while more than a fraction of a second waits to be heard.

        A device that fails is reopened: what could not be played is lost, no error is raised.
        """

    def flush(self) -> None:
        """Nothing follows for now: play what is held back for a whole block, too."""

    def pending_s(self) -> float:
        """Seconds that were written and are not audible yet."""

    def stop(self) -> None:
        """Drop what is not audible yet; a blocked :meth:`write` returns."""

    def set_gain(self, gain: float) -> None:
        """Loudness of everything from now on: 0 silent … 1 as it is (volume, ducking)."""

    def close(self) -> None:
        """Release the device; what waits is dropped."""


@dataclass(frozen=True, slots=True)
class DeviceTrouble:
    """A sound device stopped working, or works again."""

    device: str
    """``microphone`` or ``speaker``."""

    reason: str
    """For the log, with the next step; empty when it works again."""

    @property
    def solved(self) -> bool:
        """Whether the device works again."""
        return not self.reason


class Sound(Protocol):
    """Microphone and loudspeaker of one room, with the echo between them taken care of."""

    microphone: AudioSource
    """16 kHz mono, our own voice removed as far as it goes. Never ends because of a fault."""

    speaker: Playback

    on_trouble: Callable[[DeviceTrouble], None]
    """Called when a device fails, and when it works again; from any thread, must not block.

    Hears at once, when it is set, of what does not work already.
    """

    def echo_db(self) -> float | None:
        """Level of our own voice left in :attr:`microphone`, in dB relative to full scale.

        Measured while we speak, over the last seconds; None while nothing is known.
        """

    def heartbeat(self) -> int:
        """Grows with every frame and with every attempt to reopen: it stands still when we hang."""

    def mute_microphone(self, on: bool) -> None:
        """Close the microphone's device and keep it closed, or open it again; from any thread.

        While it is closed :attr:`microphone` delivers zeros.
        """

    def microphone_muted(self) -> bool:
        """Whether the microphone's device is kept closed."""

    def close(self) -> None:
        """Release both devices."""
