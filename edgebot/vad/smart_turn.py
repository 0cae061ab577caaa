"""Smart Turn v3 (https://github.com/pipecat-ai/smart-turn): is the speaker done?"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from edgebot.core.audio import RATE_HZ, Samples
from edgebot.core.errors import EngineError
from edgebot.vad.log_mel import log_mel
from edgebot.vad.session import open_session


class SmartTurn:
    """See :class:`~edgebot.core.listening.TurnDetector`."""

    longest_s = 8.0

    def __init__(self, model: Path, *, threads: int = 1) -> None:
        """Raises :class:`EngineError` when ``model`` is not a Smart Turn model."""
        self._session = open_session(model, threads, "turn detector")
        inputs = self._session.get_inputs()
        if [one.name for one in inputs] != ["input_features"]:
            raise EngineError(f"{model}: not a turn detector; run `edgebot models verify`")

    def finished(self, samples: Samples) -> float:
        """How likely the utterance ``samples``, shape (n,) at 16 kHz, is complete: 0 … 1.

        The last eight seconds count; what is shorter is preceded by silence.
        """
        length = int(self.longest_s * RATE_HZ)
        waveform = np.zeros(length, dtype=np.float32)
        heard = samples[-length:]
        if len(heard):
            waveform[-len(heard) :] = heard / np.float32(32768.0)
        found = self._session.run(None, {"input_features": log_mel(waveform)[None]})
        return float(np.asarray(found[0]).reshape(-1)[0])

    def close(self) -> None:
        """Free the model."""
        self._session = None
