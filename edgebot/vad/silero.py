"""Silero VAD (https://github.com/snakers4/silero-vad) on ONNX Runtime."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edgebot.core.audio import RATE_HZ, Samples
from edgebot.core.errors import EngineError
from edgebot.vad.session import open_session

_CONTEXT = 64
"""Samples of the chunk before that the model sees again."""


class SileroVad:
    """See :class:`~edgebot.core.listening.VoiceActivity`. Belongs to one thread."""

    chunk = 512

    def __init__(self, model: Path, *, threads: int = 1) -> None:
        """Raises :class:`EngineError` when ``model`` is not a Silero model."""
        self._session = open_session(model, threads, "voice activity model")
        names = {one.name for one in self._session.get_inputs()}
        if names != {"input", "state", "sr"}:
            raise EngineError(
                f"{model}: not a voice activity model (its inputs are {', '.join(sorted(names))}); "
                "run `edgebot models verify`"
            )
        self._rate = np.array(RATE_HZ, dtype=np.int64)
        self._state = np.zeros((2, 1, 128), dtype=np.float32)
        self._input = np.zeros((1, _CONTEXT + self.chunk), dtype=np.float32)

    def probability(self, samples: Samples) -> float:
        """How likely ``samples``, shape (512,) at 16 kHz, hold speech: 0 … 1."""
        if len(samples) != self.chunk:
            raise EngineError(f"voice activity is told by {self.chunk} samples, not {len(samples)}")
        self._input[0, :_CONTEXT] = self._input[0, -_CONTEXT:]
        self._input[0, _CONTEXT:] = samples
        self._input[0, _CONTEXT:] /= 32768.0
        found, self._state = self._session.run(
            None, {"input": self._input, "state": self._state, "sr": self._rate}
        )
        return float(found[0, 0])

    def reset(self) -> None:
        """Forget what was heard."""
        self._state = np.zeros_like(self._state)
        self._input.fill(0)

    def close(self) -> None:
        """Free the model."""
        self._session = None
