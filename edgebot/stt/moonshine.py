"""Moonshine (Jeffries et al. 2024, arXiv:2410.15608): reads a stretch of speech as a whole.

A small encoder-decoder over raw samples. It has no partial results and takes no grammar, but is
both more accurate and cheaper than dictation by Vosk: the second reading, or the only one.
"""

from __future__ import annotations

import math
import threading
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import onnxruntime

from edgebot.core.audio import RATE_HZ, AudioFrame, Samples
from edgebot.core.errors import EngineError
from edgebot.core.speech import Transcript
from edgebot.stt.plain import plain_words
from edgebot.stt.segments import Segment, Segmenter
from edgebot.stt.vocabulary import words_of

_START, _END = 1, 2
_TOKENS_A_SECOND = 6.5
"""More than anybody says; the model's own authors stop there, for it may repeat itself."""

_LEAST_S, _PADDED_S = 0.1, 1.0
"""Shorter stretches are no speech; those below a second are padded with silence."""

_LOUDNESS = 1600.0
"""Root mean square every stretch is brought to: quiet speech is otherwise dropped."""

_MOST_GAIN = 8.0

Floats = npt.NDArray[np.float32]


class MoonshineRecognizer:
    """A Moonshine model (ONNX: encoder and merged decoder). One piece is read at a time."""

    def __init__(
        self,
        encoder: Path,
        decoder: Path,
        tokenizer: Path,
        *,
        model_id: str = "moonshine",
        language: str = "en",
        threads: int = 1,
    ) -> None:
        from tokenizers import Tokenizer

        self.model_id = model_id
        self._language = language
        self._lock = threading.Lock()
        try:
            self._encoder: Any = _session(encoder, threads)
            self._decoder: Any = _session(decoder, threads)
            self._tokenizer = Tokenizer.from_file(str(tokenizer))
        except Exception as error:  # noqa: BLE001 - neither library raises anything more precise
            raise EngineError(
                f"{encoder.parent}: not a Moonshine model ({str(error).splitlines()[0]}); "
                "run `edgebot models verify`"
            ) from None
        past = [i for i in self._decoder.get_inputs() if i.name.startswith("past_key_values")]
        self._past_names = [i.name for i in past]
        self._no_past = {i.name: np.zeros((0, i.shape[1], 1, i.shape[3]), np.float32) for i in past}

    def stream(self, grammar: Sequence[str] | None = None) -> MoonshineStream:
        """Start an utterance. A grammar cannot guide this engine: it is checked afterwards."""
        if self._encoder is None:
            raise EngineError("the speech recogniser is closed")
        return MoonshineStream(self, grammar)

    def read(self, samples: Samples) -> tuple[str, float]:
        """The words in at most 30 s of speech, and how sure the model is (0 … 1)."""
        if len(samples) < _LEAST_S * RATE_HZ:
            return "", 0.0
        with self._lock:
            tokens, log_probability = self._decode(_prepared(samples))
        text = plain_words(self._tokenizer.decode(tokens), self._language)
        return text, _confidence(log_probability) if text else 0.0

    def _decode(self, audio: Floats) -> tuple[list[int], float]:
        """Greedy decoding; the tokens and their mean natural log probability."""
        states = self._encoder.run(None, {"input_values": audio[None]})[0]
        most = int(_TOKENS_A_SECOND * len(audio) / RATE_HZ) + 1
        past = dict(self._no_past)
        tokens: list[int] = []
        total, token = 0.0, _START
        for step in range(most + 1):
            logits, *present = self._decoder.run(
                None,
                {
                    "input_ids": np.array([[token]], np.int64),
                    "encoder_hidden_states": states,
                    "use_cache_branch": np.array([step > 0]),
                    **past,
                },
            )
            row = logits[0, -1]
            token = int(row.argmax())
            total -= float(np.log(np.exp(row - row[token]).sum()))
            if token == _END or step == most:
                break
            tokens.append(token)
            for name, state in zip(self._past_names, present, strict=True):
                if step == 0 or ".decoder." in name:
                    past[name] = state
        return tokens, total / (len(tokens) + 1)

    def close(self) -> None:
        """Free the networks."""
        self._encoder = self._decoder = None


class MoonshineStream:
    """One utterance; long ones are read stretch by stretch while they go on."""

    def __init__(self, recognizer: MoonshineRecognizer, grammar: Sequence[str] | None) -> None:
        self._recognizer = recognizer
        self._expected = {" ".join(words_of(phrase)) for phrase in grammar} if grammar else None
        self._segmenter: Segmenter | None = Segmenter()
        self._texts: list[str] = []
        self._sure: list[tuple[float, int]] = []
        self._samples = 0

    def accept(self, frame: AudioFrame) -> str:
        """Take 16 kHz mono audio; the text of the stretches that are complete."""
        if self._segmenter is None:
            raise EngineError("this utterance has ended; start another stream")
        if frame.rate_hz != RATE_HZ:
            raise EngineError(f"{frame.rate_hz} Hz given to a recogniser that takes {RATE_HZ} Hz")
        self._samples += len(frame.samples)
        for segment in self._segmenter.add(frame.samples):
            self._read(segment)
        return " ".join(self._texts)

    def finish(self) -> Transcript:
        """Read what is left; the stream is used up."""
        if self._segmenter is None:
            raise EngineError("this utterance has ended; start another stream")
        for segment in self._segmenter.rest():
            self._read(segment)
        self._segmenter = None
        text = " ".join(self._texts)
        weight = sum(words for _, words in self._sure)
        return Transcript(
            text=text,
            engine=self._recognizer.model_id,
            confidence=sum(sure * words for sure, words in self._sure) / weight if weight else 0.0,
            audio_s=self._samples / RATE_HZ,
            in_grammar=None if self._expected is None else text in self._expected,
        )

    def _read(self, segment: Segment) -> None:
        text, confidence = self._recognizer.read(segment.samples)
        if text:
            self._texts.append(text)
            self._sure.append((confidence, len(text.split())))


def _prepared(samples: Samples) -> Floats:
    """Samples at an even loudness in -1 … 1, short ones with silence around them."""
    audio = samples.astype(np.float32)
    loud = float(np.sqrt(np.mean(audio**2)))
    gain = min(_MOST_GAIN, _LOUDNESS / max(loud, 1.0))
    audio = np.clip(audio * (gain / 32768.0), -1.0, 1.0)
    short = int(_PADDED_S * RATE_HZ) - len(audio)
    return np.pad(audio, (short // 3, short - short // 3)) if short > 0 else audio


def _confidence(log_probability: float) -> float:
    """Mean log probability a token on the scale of Vosk's word confidences.

    Fitted so that the engine with the higher confidence is the better one to believe (see
    docs/speech.md).
    """
    return min(1.0, math.pow(math.exp(log_probability) / 0.9, 1 / 3))


def _session(model: Path, threads: int) -> Any:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(str(model), options, providers=["CPUExecutionProvider"])
