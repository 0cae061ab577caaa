"""Voice prints: x-vectors by a Vosk speaker model.

D. Snyder et al., "X-Vectors: Robust DNN Embeddings for Speaker Recognition", 2018. Vosk computes
them from the frames that its decoder takes for speech. What was said does not matter, so it
decodes with a grammar of fillers only: a fifth of the work of dictation and the same vectors.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from edgebot.core.audio import RATE_HZ, Samples
from edgebot.core.errors import EngineError
from edgebot.core.listening import Vector
from edgebot.stt.grammar import FILLERS
from edgebot.stt.vosk import VoskRecognizer

_BLOCK = RATE_HZ // 4
_FRAMES_A_SECOND = 100
_FILES = ("mfcc.conf", "mean.vec", "transform.mat", "final.ext.raw")


class VoskVoicePrint:
    """See :class:`~edgebot.core.listening.VoicePrint`. Safe to use from several threads."""

    def __init__(
        self, recognizer: VoskRecognizer, model: Path, *, model_id: str = "vosk-spk"
    ) -> None:
        """``recognizer``: its acoustic model finds the speech; it must outlive this object.

        Raises :class:`EngineError` when ``model`` is no directory of a Vosk speaker model.
        """
        import vosk

        self.model_id = model_id
        self._recognizer = recognizer
        fillers = recognizer.vocabulary.fillers(FILLERS) if recognizer.takes_phrases else ()
        self._grammar = [json.dumps(fillers)] if fillers else []
        if lacking := [name for name in _FILES if not (model / name).is_file()]:
            raise EngineError(
                f"{model}: not a Vosk speaker model (no {', '.join(lacking)}); "
                "run `edgebot models verify`"
            )
        try:
            self._model: Any = vosk.SpkModel(str(model))
        except Exception:  # noqa: BLE001 - Vosk raises nothing more precise
            raise EngineError(
                f"{model}: Vosk cannot load this speaker model; run `edgebot models verify`"
            ) from None

    def vector(self, samples: Samples) -> tuple[Vector | None, float]:
        """The voice in ``samples``, shape (n,) at 16 kHz, as a vector of length 1, shape (128,).

        And how many seconds of speech it was made from: None and 0.0 for less than half a second.
        """
        import vosk

        if self._model is None:
            raise EngineError("the speaker model is closed")
        decoder = vosk.KaldiRecognizer(self._recognizer.loaded(), float(RATE_HZ), *self._grammar)
        decoder.SetSpkModel(self._model)
        total, frames = np.zeros(0), 0
        for start in range(0, len(samples), _BLOCK):
            # Vosk ends a segment at a pause and makes a vector of each.
            if decoder.AcceptWaveform(samples[start : start + _BLOCK].tobytes()):
                total, frames = _added(total, frames, decoder.Result())
        total, frames = _added(total, frames, decoder.FinalResult())
        length = float(np.linalg.norm(total)) if frames else 0.0
        if not length:
            return None, 0.0
        return (total / length).astype(np.float32), frames / _FRAMES_A_SECOND

    def close(self) -> None:
        """Free the speaker model."""
        self._model = None


def _added(total: Any, frames: int, result: str) -> tuple[Any, int]:
    """``total`` with the vector of a segment, each weighted by its frames of speech."""
    segment = json.loads(result)
    if "spk" not in segment:
        return total, frames
    vector = np.array(segment["spk"], dtype=np.float64)
    weight = int(segment["spk_frames"])
    if not weight or not np.isfinite(vector).all() or not vector.any():
        return total, frames
    vector *= weight / np.linalg.norm(vector)
    return (total + vector if frames else vector), frames + weight
