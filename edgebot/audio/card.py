"""The loudspeaker for one text and no more: whoever waits for it wants to know why it fails."""

from __future__ import annotations

import numpy as np
import soxr

from edgebot.audio.portaudio import PortAudio
from edgebot.core.audio import AudioFrame, Samples
from edgebot.core.errors import AudioError

MARGIN_S = 0.15
"""Silence before the first sound and behind the last: amplifiers and sound servers lose some of
the beginning of a stream and of its end."""


class Speaker:
    """The loudspeaker as an :class:`~edgebot.core.audio.AudioSink`, at the device's own rate.

    Raises :class:`AudioError` naming the next step when there is no PortAudio, no such device, or
    when the device fails. (The daemon's ``Loudspeaker`` waits for a device instead.)
    """

    def __init__(
        self, rate_hz: int, device: str | None = None, portaudio: PortAudio | None = None
    ) -> None:
        """``rate_hz``: rate of the frames that are written."""
        self._portaudio = portaudio or PortAudio()
        self._stream = self._portaudio.open_output(device)
        to_hz = int(self._stream.samplerate)
        self._resampler: soxr.ResampleStream | None = None
        if rate_hz != to_hz:
            self._resampler = soxr.ResampleStream(rate_hz, to_hz, 1, dtype="int16", quality="HQ")
        self._margin = np.zeros(round(MARGIN_S * to_hz), np.int16)
        self._begun = False

    def write(self, frame: AudioFrame) -> None:
        """Play ``frame``; blocks while the device's buffer is full."""
        samples = frame.samples
        if not self._begun:
            self._begun = True
            self._play(self._margin)
        if self._resampler is not None:
            samples = self._resampler.resample_chunk(samples)
        self._play(samples)

    def _play(self, samples: Samples) -> None:
        try:
            self._stream.write(samples.tobytes())
        except self._portaudio.failure() as error:
            raise AudioError(f"the speaker failed ({error}); run `edgebot doctor`") from None

    def close(self) -> None:
        """Play what is buffered, then release the device."""
        try:
            if self._resampler is not None:
                self._play(self._resampler.resample_chunk(np.zeros(0, np.int16), last=True))
            if self._begun:
                self._play(self._margin)
            self._stream.stop()
        except self._portaudio.failure() as error:
            raise AudioError(f"the speaker failed ({error}); run `edgebot doctor`") from None
        finally:
            self._portaudio.close(self._stream)
