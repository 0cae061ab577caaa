"""Vosk (Kaldi chain models): dictation, and phrases with a way out."""

from __future__ import annotations

import functools
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from edgebot.core.audio import RATE_HZ, AudioFrame
from edgebot.core.errors import EngineError
from edgebot.core.speech import Transcript, Word
from edgebot.stt.grammar import Grammar, Verdict, compile_grammar
from edgebot.stt.vocabulary import Vocabulary

_GRAMMARS_KEPT = 16

REUSE_S = 120.0
"""Audio after which a dictating recogniser is replaced, in seconds: it has grown by some 100 MB."""

_LEAD_IN_S = 0.2
"""Faint noise before the utterance: a recording cut off tightly loses its first sound otherwise."""

_LEAD_IN = np.random.default_rng(1).normal(0.0, 8.0, int(_LEAD_IN_S * RATE_HZ)).astype(np.int16)


class VoskRecognizer:
    """A Vosk model. It must have a dynamic graph (``HCLr.fst``, ``Gr.fst``) to take a grammar.

    Safe to use from several threads; each stream belongs to one.
    """

    def __init__(self, model: Path, *, model_id: str = "vosk", reuse_s: float = REUSE_S) -> None:
        import vosk

        vosk.SetLogLevel(-1)
        self.model_id = model_id
        self._reuse_samples = int(reuse_s * RATE_HZ)
        self._idle: list[_Dictating] = []
        if not (model / "am" / "final.mdl").is_file() or not (model / "graph").is_dir():
            raise EngineError(f"{model}: not a Vosk model; run `edgebot models verify`")
        try:
            self._model: Any = vosk.Model(str(model))
        except Exception:  # noqa: BLE001 - Vosk raises nothing more precise
            raise EngineError(
                f"{model}: Vosk cannot load this model; run `edgebot models verify`"
            ) from None
        self.takes_phrases = (model / "graph" / "HCLr.fst").is_file()
        """False for models whose graph was composed in advance: they only take dictation."""
        self.vocabulary = Vocabulary(
            model / "graph" / "words.txt", lambda word: self._model.vosk_model_find_word(word) >= 0
        )
        self._compile = functools.lru_cache(_GRAMMARS_KEPT)(
            lambda phrases: compile_grammar(phrases, self.vocabulary)
        )

    def stream(self, grammar: Sequence[str] | None = None) -> VoskStream:
        """Start an utterance; with ``grammar`` only its phrases and fillers can be heard.

        The transcript of a stream with a grammar holds what the phrases make of the speech; where
        ``in_grammar`` is False, that is not what was said: see :mod:`edgebot.stt.wayout`.
        """
        if self._model is None:
            raise EngineError("the speech recogniser is closed")
        compiled = self.compile(grammar) if grammar else None
        if compiled and self.takes_phrases:
            recognizer = _recognizer(self._model, compiled.phrases_json)
            return VoskStream(recognizer, self.model_id, self.vocabulary, compiled)
        dictating = self._dictating()
        return VoskStream(
            dictating.recognizer,
            self.model_id,
            self.vocabulary,
            compiled,
            already_fed=dictating.fed,
            give_back=self._give_back,
        )

    def _dictating(self) -> _Dictating:
        try:
            return self._idle.pop()  # atomic: two streams never get the same one
        except IndexError:
            return _Dictating(_recognizer(self._model), 0)

    def _give_back(self, recognizer: Any, fed: int) -> None:
        """Keep a recogniser for the next utterance.

        It composes its graph while it decodes and remembers what it has composed: the next
        utterance costs a half to a third. What it remembers grows, so it is not kept for ever.
        """
        if fed < self._reuse_samples and not self._idle and self._model is not None:
            self._idle.append(_Dictating(recognizer, fed))

    def compile(self, phrases: Sequence[str]) -> Grammar:
        """``phrases`` for this model; the last ones are remembered."""
        return self._compile(tuple(phrases))

    def loaded(self) -> Any:
        """The Kaldi model itself, for what works on it beside recognition."""
        if self._model is None:
            raise EngineError("the speech recogniser is closed")
        return self._model

    def close(self) -> None:
        """Free the model; streams that are still open keep it until they end."""
        self._idle.clear()
        self._model = None


class _Dictating(NamedTuple):
    """A recogniser without a grammar and how many samples it has been fed."""

    recognizer: Any
    fed: int


class VoskStream:
    """One utterance on its way through Vosk."""

    def __init__(
        self,
        recognizer: Any,
        model_id: str,
        vocabulary: Vocabulary,
        grammar: Grammar | None,
        *,
        already_fed: int = 0,
        give_back: Callable[[Any, int], None] | None = None,
    ) -> None:
        self._recognizer: Any = recognizer
        self._model_id = model_id
        self._vocabulary = vocabulary
        self.grammar = grammar
        self._give_back = give_back
        self._heard: list[Word] = []
        self._samples = 0
        # Vosk counts its times from the first sample the recogniser was ever given.
        self._zero_s = already_fed / RATE_HZ + _LEAD_IN_S
        self._already_fed = already_fed
        self._recognizer.AcceptWaveform(_LEAD_IN.tobytes())

    def accept(self, frame: AudioFrame) -> str:
        """Take 16 kHz mono audio; return the partial text so far, fillers left out."""
        if self._recognizer is None:
            raise EngineError("this utterance has ended; start another stream")
        if frame.rate_hz != RATE_HZ:
            raise EngineError(f"{frame.rate_hz} Hz given to a recogniser that takes {RATE_HZ} Hz")
        self._samples += len(frame.samples)
        if self._recognizer.AcceptWaveform(frame.samples.tobytes()):
            # Vosk ends a segment at a pause; the utterance ends where the caller says.
            self._heard += _words(self._recognizer.Result(), self._zero_s)
            partial: list[str] = []
        else:
            partial = str(json.loads(self._recognizer.PartialResult())["partial"]).split()
        return " ".join(self._readable([word.text for word in self._heard] + partial))

    def finish(self) -> Transcript:
        """End the utterance and return what was understood; the stream is used up."""
        if self._recognizer is None:
            raise EngineError("this utterance has ended; start another stream")
        self._heard += _words(self._recognizer.FinalResult(), self._zero_s)
        recognizer, self._recognizer = self._recognizer, None
        if self._give_back:
            self._give_back(recognizer, self._already_fed + len(_LEAD_IN) + self._samples)
        words = tuple(self._merged())
        return Transcript(
            text=" ".join(word.text for word in words),
            engine=self._model_id,
            confidence=mean_confidence(words),
            words=words,
            audio_s=self._samples / RATE_HZ,
            in_grammar=self.verdict() == "mine" if self.grammar else None,
        )

    def verdict(self) -> Verdict:
        """Whether what was heard is a phrase of the grammar."""
        if self.grammar is None:
            return "mine"
        return self.grammar.judge([w.text for w in self._heard], mean_confidence(self._heard))

    def familiarity(self, text: str) -> float:
        """How much of ``text``, read by another engine, sounds like the grammar (0 … 1)."""
        if self.grammar is None:
            return 0.0
        return self.grammar.familiarity(self.grammar.spoken(text, self._vocabulary))

    def _readable(self, words: list[str]) -> list[str]:
        if self.grammar is None:
            return words
        spoken = [word for word in words if word not in self.grammar.fillers]
        return [text for text, _, _ in _joined(spoken, self.grammar.respelled)]

    def _merged(self) -> Iterator[Word]:
        if self.grammar is None:
            yield from self._heard
            return
        heard = [word for word in self._heard if word.text not in self.grammar.fillers]
        for text, first, end in _joined([word.text for word in heard], self.grammar.respelled):
            run = heard[first:end]
            yield Word(text, run[0].start_s, run[-1].end_s, min(word.confidence for word in run))


def mean_confidence(words: Sequence[Word]) -> float:
    """Mean confidence of ``words`` weighted by their lengths; 0 where there are none."""
    length_s = sum(word.end_s - word.start_s for word in words)
    if not length_s:
        return 0.0
    return sum(word.confidence * (word.end_s - word.start_s) for word in words) / length_s


def _recognizer(model: Any, *grammar: str) -> Any:
    import vosk

    recognizer = vosk.KaldiRecognizer(model, float(RATE_HZ), *grammar)
    recognizer.SetWords(True)
    return recognizer


def _words(result: str, zero_s: float) -> list[Word]:
    return [
        Word(
            item["word"],
            round(max(0.0, item["start"] - zero_s), 3),
            round(max(0.0, item["end"] - zero_s), 3),
            min(1.0, item["conf"]),
        )
        for item in json.loads(result).get("result", ())
    ]


def _joined(
    words: Sequence[str], respelled: Mapping[tuple[str, ...], str]
) -> Iterator[tuple[str, int, int]]:
    """Words with respelled runs put back together: text, first index, index behind the last."""
    longest = max(map(len, respelled), default=1)
    index = 0
    while index < len(words):
        for length in range(min(longest, len(words) - index), 1, -1):
            run = tuple(words[index : index + length])
            if run in respelled:
                yield respelled[run], index, index + length
                index += length
                break
        else:
            yield words[index], index, index + 1
            index += 1
