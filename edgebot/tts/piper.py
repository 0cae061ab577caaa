"""Piper voices (VITS networks in ONNX, phonemes by espeak-ng)."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import onnxruntime

from edgebot.core.audio import AudioFrame, Samples
from edgebot.core.cancel import Cancellation
from edgebot.core.errors import EngineError
from edgebot.tts.chunks import chunks
from edgebot.tts.wording import speakable

LONG = 100
"""Phonemes from which a piece counts as long: three seconds of speech."""


class FrugalSession:
    """A session that gives memory back after long pieces.

    ONNX Runtime keeps the most that any piece has needed, over a hundred MB. To give it back costs
    a fifth more, which nobody waits for behind a long piece; the short first clause goes without.
    """

    def __init__(self, session: Any) -> None:
        self._session = session
        self._give_back = onnxruntime.RunOptions()
        self._give_back.add_run_config_entry("memory.enable_memory_arena_shrinkage", "cpu:0")

    def run(self, names: Any, inputs: dict[str, Any]) -> Any:
        """As ``onnxruntime.InferenceSession.run``."""
        long = inputs["input"].shape[-1] >= LONG
        return self._session.run(names, inputs, self._give_back if long else None)


class PiperVoice:
    """A Piper voice, loaded once and kept warm.

    The session is made here and not by ``piper.PiperVoice.load``, which leaves the number of
    threads to ONNX Runtime. espeak-ng is not safe to use from two threads, so one text is
    synthesized at a time.
    """

    def __init__(
        self,
        voice: Path,
        config: Path,
        *,
        model_id: str = "piper",
        language: str = "en",
        threads: int = 1,
        speed: float = 1.0,
        volume: float = 1.0,
    ) -> None:
        from piper import PiperVoice as Voice
        from piper.config import PiperConfig, SynthesisConfig

        self.model_id = model_id
        self._language = language
        self._lock = threading.Lock()
        try:
            settings = PiperConfig.from_dict(json.loads(config.read_text(encoding="utf-8")))
            session = _session(voice, threads)
        except (OSError, ValueError, KeyError, RuntimeError) as error:
            raise EngineError(
                f"{voice}: not a Piper voice ({error}); run `edgebot models verify`"
            ) from None
        self.rate_hz = int(settings.sample_rate)
        self._voice = Voice(session=FrugalSession(session), config=settings)
        # Piper's length scale is the inverse of the pace.
        self._style = SynthesisConfig(
            length_scale=settings.length_scale / speed, volume=volume, normalize_audio=True
        )
        self._warm_up()

    def synthesize(self, text: str, cancellation: Cancellation) -> Iterator[AudioFrame]:
        """Yield the audio of ``text``, a frame a piece; numbers and units are worded first.

        Ends early when cancelled; yields nothing when there is nothing to say.
        """
        position = 0
        for piece in chunks(speakable(text, self._language)):
            if cancellation.is_set:
                return
            samples = self._samples(piece)
            if len(samples):
                yield AudioFrame(samples, self.rate_hz, position)
                position += len(samples)

    def close(self) -> None:
        """Free the network."""
        self._voice.session = None

    def _samples(self, piece: str) -> Samples:
        with self._lock:
            made: list[Samples] = []
            for chunk in self._voice.synthesize(piece, self._style):
                made.append(chunk.audio_int16_array)
        return np.concatenate(made) if made else np.zeros(0, np.int16)

    def _warm_up(self) -> None:
        """The first run allocates; it should not be the first one a person waits for."""
        self._samples("Ready.")


def _session(voice: Path, threads: int) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    try:
        return onnxruntime.InferenceSession(str(voice), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # noqa: BLE001 - ONNX Runtime's own errors share no base of their own
        raise RuntimeError(str(error).splitlines()[0]) from None
