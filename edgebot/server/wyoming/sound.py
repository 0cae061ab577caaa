"""Audio chunks of any format, as samples the engines take; and samples as chunks."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import soxr
from wyoming.audio import AudioChunk

from edgebot.core.audio import RATE_HZ, Samples
from edgebot.core.errors import AudioError

_RATES_HZ = range(8000, 96_001)
_DTYPES: dict[int, Any] = {1: np.dtype("u1"), 2: np.dtype("<i2"), 4: np.dtype("<i4")}
_CHANNELS = range(1, 9)


class ChunkReader:
    """Turns the chunks of one stream into 16 kHz mono; the format may not change on the way."""

    def __init__(self) -> None:
        self._format: tuple[int, int, int] | None = None
        self._resampler: Any = None

    def samples(self, data: Mapping[str, Any], payload: bytes | None) -> Samples:
        """The samples of a chunk, shape (n,). Raises ``AudioError`` for a format nobody can use."""
        rate_hz, width, channels = sound_format(data)
        if self._format is None:
            self._format = rate_hz, width, channels
            if rate_hz != RATE_HZ:
                self._resampler = soxr.ResampleStream(rate_hz, RATE_HZ, 1, dtype="float32")
        elif self._format != (rate_hz, width, channels):
            raise AudioError("the format of the sound changed within one stream")
        raw = payload or b""
        raw = raw[: len(raw) - len(raw) % (width * channels)]
        sound = np.frombuffer(raw, _DTYPES[width]).astype(np.float32)
        if width == 1:
            sound = (sound - 128.0) * 256.0
        elif width == 4:
            sound /= 65_536.0
        if channels > 1:
            sound = sound.reshape(-1, channels).mean(axis=1)
        if self._resampler is not None:
            sound = self._resampler.resample_chunk(sound)
        samples: Samples = np.clip(np.rint(sound), -32_768, 32_767).astype(np.int16)
        return samples


def sound_format(data: Mapping[str, Any]) -> tuple[int, int, int]:
    """Rate in Hz, width in bytes and channels; raises ``AudioError`` for what nobody can use."""
    found = tuple(data.get(name) for name in ("rate", "width", "channels"))
    rate_hz, width, channels = found
    if not all(isinstance(one, int) and not isinstance(one, bool) for one in found):
        raise AudioError("sound needs rate, width and channels as whole numbers")
    if rate_hz not in _RATES_HZ or width not in _DTYPES or channels not in _CHANNELS:
        raise AudioError(
            f"sound of {rate_hz} Hz, {width} bytes, {channels} channels; send 16000 Hz, 2 bytes, 1"
        )
    return rate_hz, width, channels  # type: ignore[return-value]


def chunk_of(samples: Samples, rate_hz: int) -> AudioChunk:
    """Mono samples as a chunk."""
    return AudioChunk(rate=rate_hz, width=2, channels=1, audio=samples.astype("<i2").tobytes())
