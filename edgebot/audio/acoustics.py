"""What a room does to sound: reverberation, echo path, noise. All of it deterministic."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgebot.audio.playback_queue import FULL_SCALE, Signal
from edgebot.core.audio import RATE_HZ, Samples

NOISE_LOOP_S = 31.0
"""Length after which generated noise repeats, in seconds."""


@dataclass(frozen=True, slots=True)
class Acoustics:
    """How a simulated room sounds."""

    echo_db: float | None = -20.0
    """Level of the loudspeaker in the microphone relative to what is played; None: headphones."""

    delay_ms: float = 40.0
    """From the loudspeaker's queue to the microphone's frame: both devices' buffers and the air."""

    rt60_s: float = 0.25
    """Time in which the reverberation decays by 60 dB, in seconds."""

    noise_dbfs: float | None = -65.0
    """Level (RMS) of the noise in dB relative to full scale; None: digital silence."""

    noise: Samples | None = None
    """Noise to loop instead of generated pink noise, at 16 kHz; brought to ``noise_dbfs``."""

    seed: int = 0
    """Of the impulse response and of the noise."""


def impulse_response(acoustics: Acoustics) -> Signal:
    """Response from loudspeaker to microphone, scaled to ``echo_db``; empty without an echo.

    A direct path and Gaussian noise that decays exponentially by 60 dB in ``rt60_s`` (J. D. Polack,
    "La transmission de l'énergie sonore dans les salles", 1988). Its energy is that of the echo
    level, so that for speech the level holds within a few dB.
    """
    if acoustics.echo_db is None:
        return np.zeros(0, np.float32)
    count = max(1, round(acoustics.rt60_s * RATE_HZ))
    decay = np.exp(-3.0 * np.log(10.0) * np.arange(count) / count)
    reflections = np.random.default_rng(acoustics.seed).standard_normal(count) * decay
    reflections[0] = 0.0
    reflections /= max(float(np.linalg.norm(reflections)), 1e-9)
    response = 0.6 * reflections
    response[0] = 0.8  # 0.8² + 0.6² = 1: the direct path carries most, as on a table
    delay = np.zeros(round(acoustics.delay_ms * RATE_HZ / 1000.0))
    scaled = np.concatenate([delay, response]) * 10.0 ** (acoustics.echo_db / 20.0)
    result: Signal = scaled.astype(np.float32)
    return result


class Convolution:
    """Convolve a stream block by block (overlap-add in the frequency domain)."""

    def __init__(self, response: Signal, block: int) -> None:
        self._block = block
        self._size = 1 << max(1, (len(response) + block - 1)).bit_length()
        self._spectrum = np.fft.rfft(response, self._size)
        self._tail = np.zeros(self._size, np.float32)
        self._left = 0
        """Samples of the tail that are not silent yet."""
        self._length = len(response)

    def process(self, signal: Signal) -> Signal:
        """The next ``block`` samples of the output; a shorter input counts as followed by silence.

        In silence it costs nothing.
        """
        if self._length and signal.any():
            self._tail += np.fft.irfft(
                np.fft.rfft(signal, self._size) * self._spectrum, self._size
            ).astype(np.float32)
            self._left = self._length + self._block
        if not self._left:
            return np.zeros(self._block, np.float32)
        out = self._tail[: self._block].copy()
        self._tail[: -self._block] = self._tail[self._block :]
        self._tail[-self._block :] = 0.0
        self._left = max(0, self._left - self._block)
        return out


class Noise:
    """Endless noise, from a loop."""

    def __init__(self, acoustics: Acoustics) -> None:
        self._at = 0
        self._loop = np.zeros(0, np.float32)
        if acoustics.noise_dbfs is None:
            return
        if acoustics.noise is not None:
            loop = acoustics.noise.astype(np.float64) / FULL_SCALE
        else:
            loop = _pink(round(NOISE_LOOP_S * RATE_HZ), acoustics.seed)
        level = float(np.sqrt(np.mean(loop**2))) if len(loop) else 0.0
        if level:
            loop *= 10.0 ** (acoustics.noise_dbfs / 20.0) / level
            self._loop = loop.astype(np.float32)

    def take(self, count: int) -> Signal:
        """The next ``count`` samples."""
        if not len(self._loop):
            return np.zeros(count, np.float32)
        if self._at + count <= len(self._loop):
            piece = self._loop[self._at : self._at + count]
        else:
            piece = self._loop.take(range(self._at, self._at + count), mode="wrap")
        self._at = (self._at + count) % len(self._loop)
        return piece


def _pink(count: int, seed: int) -> npt.NDArray[np.float64]:
    """Noise with 3 dB less per octave above 50 Hz, as rooms have it."""
    white = np.fft.rfft(np.random.default_rng(seed + 1).standard_normal(count))
    hertz = np.fft.rfftfreq(count, 1.0 / RATE_HZ)
    shaped = np.where(hertz < 50.0, 0.0, white / np.sqrt(np.maximum(hertz, 50.0)))
    noise: npt.NDArray[np.float64] = np.fft.irfft(shaped, count)
    return noise
