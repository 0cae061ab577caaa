"""Recordings in requests and answers: WAV, FLAC, OGG and bare samples."""

from __future__ import annotations

import io
import re

import numpy as np
import soundfile
import soxr

from edgebot.core.audio import RATE_HZ, Samples
from edgebot.core.errors import AudioError

RECORDINGS = (
    "audio/wav",
    "audio/x-wav",
    "audio/flac",
    "audio/x-flac",
    "audio/ogg",
    "audio/l16",
    "application/octet-stream",
)
"""``audio/l16``: 16-bit little-endian mono samples, ``;rate=16000``; the last: look and see."""

_RATE = re.compile(r";\s*rate=(\d{4,6})", re.IGNORECASE)


def decoded(content: bytes, kind: str = "", longest_s: float = 900.0) -> Samples:
    """The recording as 16 kHz mono, shape (n,). Raises ``AudioError``."""
    if kind.lower().startswith("audio/l16"):
        found = _RATE.search(kind)
        rate_hz = int(found.group(1)) if found else RATE_HZ
        whole = content[: len(content) // 2 * 2]
        signal = np.frombuffer(whole, "<i2").astype(np.float32)[:, None] / 32768.0
    else:
        signal, rate_hz = _from_file(content, longest_s)
    if not len(signal):
        raise AudioError("the recording is empty; record something first")
    if not 4_000 <= rate_hz <= 192_000:
        raise AudioError(f"a rate of {rate_hz} Hz is no speech; send 8000 to 192000 Hz")
    if len(signal) > longest_s * rate_hz:
        raise AudioError(f"longer than {longest_s:g} s; cut it, or raise stt.max_utterance_s")
    mono = np.nan_to_num(signal, nan=0.0, posinf=1.0, neginf=-1.0).mean(axis=1, dtype=np.float32)
    if rate_hz != RATE_HZ:
        mono = soxr.resample(mono, rate_hz, RATE_HZ)
    made: Samples = np.clip(np.rint(mono * 32767.0), -32768, 32767).astype(np.int16)
    return made


def _from_file(content: bytes, longest_s: float) -> tuple[np.ndarray, int]:
    try:
        with soundfile.SoundFile(io.BytesIO(content)) as file:
            rate_hz = int(file.samplerate)
            most = int(min(longest_s, 3600.0) * rate_hz) + 1
            return file.read(most, dtype="float32", always_2d=True), rate_hz
    except (soundfile.SoundFileError, ValueError, RuntimeError, TypeError) as error:
        reason = getattr(error, "error_string", "") or "not a sound file"
        raise AudioError(
            f"the recording cannot be read ({str(reason).rstrip('.')}); send WAV, FLAC or OGG"
        ) from None


def wav_of(samples: Samples, rate_hz: int) -> bytes:
    """``samples`` as a 16-bit mono WAV."""
    return encoded(samples, rate_hz, "WAV")


def encoded(samples: Samples, rate_hz: int, form: str, pcm_hz: int = 24_000) -> bytes:
    """``samples`` as ``WAV FLAC MP3``, Opus in OGG (``OPUS``), or bare (``PCM``)."""
    out = io.BytesIO()
    if form == "PCM":
        signal = soxr.resample(samples.astype(np.float32), rate_hz, pcm_hz)
        return bytes(np.clip(np.rint(signal), -32768, 32767).astype("<i2").tobytes())
    if form == "MP3":
        soundfile.write(out, samples, rate_hz, format="MP3")
    elif form == "OPUS":
        rate, wanted = 48_000, samples.astype(np.float32) / 32768.0
        wanted = soxr.resample(wanted, rate_hz, rate)
        soundfile.write(out, wanted, rate, format="OGG", subtype="OPUS")
    else:
        soundfile.write(out, samples, rate_hz, format=form, subtype="PCM_16")
    return out.getvalue()
