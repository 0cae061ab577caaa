"""Recordings on disk: any WAV or FLAC in, 16 kHz mono inside, WAV out."""

from __future__ import annotations

import logging
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from edgebot.core.audio import RATE_HZ, AudioFrame, Samples
from edgebot.core.errors import AudioError

BLOCK_S = 0.1
"""Length of the frames a recording is handed on in, in seconds."""

_LOG = logging.getLogger(__name__)


class AudioFile:
    """A recording as an :class:`~edgebot.core.audio.AudioSource`.

    Read and resampled block by block, so that a long recording costs no more memory than a short
    one. Channels are averaged; samples that are no numbers count as silence.

    Raises :class:`AudioError` when there is no recording at ``path``.
    """

    rate_hz = RATE_HZ

    def __init__(self, path: Path, max_s: float = 900.0) -> None:
        self._path = path
        self._max_s = max_s
        _check_regular(path)
        try:
            self._file = soundfile.SoundFile(path)
        except (soundfile.SoundFileError, OSError, ValueError) as error:
            raise AudioError(
                f"{path}: not a recording that can be read ({_reason(error)}); "
                "WAV and FLAC of any rate will do"
            ) from None
        if self._file.samplerate < 1000 or self._file.channels < 1:
            self._file.close()
            raise AudioError(f"{path}: a rate of {self._file.samplerate} Hz is no speech")
        _warn_when_cut_short(path)

    @property
    def duration_s(self) -> float:
        """Length in seconds as far as the header tells."""
        return float(self._file.frames) / float(self._file.samplerate)

    def frames(self) -> Iterator[AudioFrame]:
        """Yield frames of :data:`BLOCK_S`; raises :class:`AudioError` when it is too long."""
        rate_hz = self._file.samplerate
        resampler = soxr.ResampleStream(rate_hz, RATE_HZ, 1, dtype="float32", quality="HQ")
        limit = int(self._max_s * RATE_HZ)
        position = 0
        while True:
            block = self._read(int(rate_hz * BLOCK_S))
            last = not len(block)
            samples = _to_int16(resampler.resample_chunk(block, last=last))
            if len(samples):
                yield AudioFrame(samples, RATE_HZ, position)
                position += len(samples)
            if last:
                return
            if position > limit:
                raise AudioError(
                    f"{self._path}: longer than {self._max_s:g} s; "
                    "cut it, or raise stt.max_utterance_s in edgebot.yaml"
                )

    def _read(self, count: int) -> npt.NDArray[np.float32]:
        try:
            block = self._file.read(count, dtype="float32", always_2d=True)
        except soundfile.SoundFileError as error:
            # What comes before the damage was speech all the same.
            _LOG.warning("%s: damaged (%s); the rest is left out", self._path, _reason(error))
            return np.zeros(0, np.float32)
        mono: npt.NDArray[np.float32] = np.nan_to_num(block, nan=0.0, posinf=1.0, neginf=-1.0).mean(
            axis=1, dtype=np.float32
        )
        return mono

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class WavFile:
    """A 16-bit mono WAV as an :class:`~edgebot.core.audio.AudioSink`.

    It appears at ``path`` when it is closed, whole; until then it grows under another name.
    """

    def __init__(self, path: Path, rate_hz: int) -> None:
        self._path = path
        self._part = path.with_name(f".{path.name}.{os.getpid()}.part")
        self._closed = False
        try:
            self._file = soundfile.SoundFile(
                self._part, "w", rate_hz, 1, subtype="PCM_16", format="WAV"
            )
        except (soundfile.SoundFileError, OSError) as error:
            raise AudioError(f"{path}: cannot be written ({_reason(error)})") from None
        self.samples = 0

    def write(self, frame: AudioFrame) -> None:
        """Append ``frame``, which must have the rate the file was opened with."""
        if frame.rate_hz != self._file.samplerate:
            raise AudioError(f"{self._path}: {frame.rate_hz} Hz into {self._file.samplerate} Hz")
        try:
            self._file.write(frame.samples)
        except soundfile.SoundFileError as error:
            raise AudioError(f"{self._path}: cannot be written ({_reason(error)})") from None
        self.samples += len(frame.samples)

    def close(self) -> None:
        """Finish the header and let the file appear; a second call does nothing."""
        if self._closed:
            return
        self._closed = True
        try:
            self._file.close()
            self._part.replace(self._path)
        except (soundfile.SoundFileError, OSError) as error:
            raise AudioError(f"{self._path}: cannot be written ({_reason(error)})") from None

    def discard(self) -> None:
        """Give up: nothing appears, and what was there before stays."""
        if not self._closed:
            self._closed = True
            self._file.close()
            self._part.unlink(missing_ok=True)


def _check_regular(path: Path) -> None:
    try:
        status = path.stat()
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or error
        raise AudioError(f"{path}: cannot be opened ({reason})") from None
    if not stat.S_ISREG(status.st_mode):
        raise AudioError(f"{path}: not a file; name a WAV or FLAC file")
    if not status.st_size:
        raise AudioError(f"{path}: empty; record something first")
    if not os.access(path, os.R_OK):
        raise AudioError(f"{path}: cannot be opened (permission denied)")


def _warn_when_cut_short(path: Path) -> None:
    with path.open("rb") as file:
        head = file.read(8)
    if head[:4] == b"RIFF" and int.from_bytes(head[4:8], "little") + 8 > path.stat().st_size + 1:
        _LOG.warning("%s: shorter than its header says; what is there is used", path)


def _to_int16(samples: npt.NDArray[np.float32]) -> Samples:
    scaled: Samples = np.clip(np.rint(samples * 32767.0), -32768, 32767).astype(np.int16)
    return scaled


def _reason(error: Exception) -> str:
    text = getattr(error, "error_string", None) or getattr(error, "strerror", None) or str(error)
    return str(text).strip().rstrip(".")
