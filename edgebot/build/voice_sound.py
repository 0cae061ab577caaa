"""How a voice sounds: speaking with noise or without, and how far two sounds are apart."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import soxr

from edgebot.build.artefact import Artefact
from edgebot.build.onnx_quant_feeds import voice_feeds
from edgebot.core.audio import RATE_HZ, Samples
from edgebot.core.errors import EngineError, ModelCorrupt
from edgebot.vad.log_mel import log_mel

Features = npt.NDArray[np.float64]

QUIET = (0.0, 0.0)
"""No noise in sound and pace: the same text always gives the same sound."""

_DECIBELS = 40.0
"""A step of 1.0 in the features: they are log10 of power, divided by four."""


class Speaker:
    """A Piper voice, sentence by sentence, at 16 kHz."""

    def __init__(self, artefact: Artefact, threads: int = 1) -> None:
        """Raises ``ModelCorrupt`` when the voice cannot be opened."""
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.log_severity_level = 3
        onnxruntime.set_seed(0)
        self._artefact = artefact
        try:
            self._session: Any = onnxruntime.InferenceSession(
                str(artefact.file()), options, providers=["CPUExecutionProvider"]
            )
            config = json.loads(artefact.file("config").read_text(encoding="utf-8"))
            self._rate_hz = int(config["audio"]["sample_rate"])
        except Exception as error:  # onnxruntime's own exceptions share no base but this one
            name = artefact.file().name
            raise ModelCorrupt(f"{name}: no voice that can be opened ({error})") from error

    def speak(
        self, texts: Sequence[str], noise: Sequence[float] | None = None
    ) -> list[npt.NDArray[np.float32]]:
        """The sound of each text; ``noise``: of sound and pace, else the voice's own.

        Raises ``EngineError`` when it makes no sound that is one.
        """
        found = []
        for feed in voice_feeds(self._artefact, texts, noise):
            sound = np.asarray(self._session.run(None, feed)[0], np.float32).reshape(-1)
            if not len(sound) or not np.isfinite(sound).all():
                raise EngineError(f"{self._artefact.file().name} makes no sound but NaN")
            found.append(np.asarray(soxr.resample(sound, self._rate_hz, RATE_HZ), np.float32))
        return found


def in_16_bits(sound: npt.NDArray[np.float32]) -> Samples:
    """``sound`` as loud as Piper makes it."""
    loudest = max(1e-8, float(np.abs(sound).max(initial=0.0)))
    samples: Samples = np.clip(sound * (32767 / loudest), -32767, 32767).astype(np.int16)
    return samples


def spectral_distance(one: npt.NDArray[np.float32], other: npt.NDArray[np.float32]) -> float:
    """Mean distance of the log-mel spectra along the best alignment (DTW), in decibels.

    Sakoe and Chiba, "Dynamic programming algorithm optimization for spoken word recognition"
    (1978), without their window: sentences are short.
    """
    left, right = _frames(one), _frames(other)
    squares = np.mean(left**2, axis=1)[:, None] + np.mean(right**2, axis=1)[None, :]
    apart = np.sqrt(np.maximum(0.0, squares - 2 * left @ right.T / left.shape[1]))
    return _DECIBELS * aligned_mean(apart)


def aligned_mean(apart: Features) -> float:
    """Mean of ``apart`` (frames of the one, of the other) along the cheapest way through it."""
    rows, columns = apart.shape
    cost = np.full((rows + 1, columns + 1), np.inf)
    steps = np.zeros((rows + 1, columns + 1))
    cost[0, 0] = 0.0
    for diagonal in range(2, rows + columns + 1):
        i = np.arange(max(1, diagonal - columns), min(rows, diagonal - 1) + 1)
        j = diagonal - i
        before = np.stack([cost[i - 1, j - 1], cost[i - 1, j], cost[i, j - 1]])
        taken = np.stack([steps[i - 1, j - 1], steps[i - 1, j], steps[i, j - 1]])
        best = before.argmin(axis=0)
        at = np.arange(len(i))
        cost[i, j] = before[best, at] + apart[i - 1, j - 1]
        steps[i, j] = taken[best, at] + 1
    return float(cost[rows, columns] / steps[rows, columns])


def _frames(sound: npt.NDArray[np.float32]) -> Features:
    """Log-mel features, a row a hundredth of a second."""
    loudest = max(1e-8, float(np.abs(sound).max(initial=0.0)))
    padded = np.pad(sound / loudest, (0, max(0, 800 - len(sound))))
    return np.asarray(log_mel(padded.astype(np.float32)).T, np.float64)
