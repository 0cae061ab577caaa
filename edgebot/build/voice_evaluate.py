"""Evaluators of voices: is it heard as it was meant, and does it still sound like itself?"""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

import numpy as np
from pydantic import Field

from edgebot.build.evaluator import SOURCE, Evaluator, Trial
from edgebot.build.onnx_quant_feeds import sentences
from edgebot.build.step import Parameters
from edgebot.build.voice_sound import QUIET, Speaker, in_16_bits, spectral_distance
from edgebot.config import paths
from edgebot.core.audio import RATE_HZ, AudioFrame, Samples
from edgebot.core.speech import SpeechToText
from edgebot.models.catalog import catalog_files, load_catalog
from edgebot.models.store import ModelStore
from edgebot.nlu.classifier.ngrams import words_of

_LIBRARIES = ("onnxruntime", "piper-tts", "vosk")


class SpokenParameters(Parameters):
    """What the evaluators of voices take."""

    text: str = "held"
    """Sentences to speak."""

    sentences: int = Field(default=12, ge=2, le=500)
    """How many of them."""


class HearingParameters(SpokenParameters):
    """What ``voice-heard`` takes."""

    recogniser: str = "vosk-en-zamia"
    """Catalogue id of the Vosk model that listens."""


class VoiceHeard(Evaluator[HearingParameters]):
    """Word error rate of what a recogniser hears (speak → hear)."""

    name = "voice-heard"
    takes = "onnx"
    libraries: ClassVar[tuple[str, ...]] = _LIBRARIES
    better: ClassVar[dict[str, str]] = {"wer": "low"}
    schema = HearingParameters

    def run(self, trial: Trial) -> dict[str, float]:
        """``wer`` of both, and ``wer_lost`` in points; spoken without noise: it can be repeated."""
        from edgebot.stt.vosk import VoskRecognizer

        want = self.parameters
        found = sentences(trial.texts, want.text, want.sentences)
        models = paths.models_dir()
        store = ModelStore(models, load_catalog(catalog_files(models)))
        recogniser = VoskRecognizer(store.open(want.recogniser).files["model"])
        figures = {}
        trial.progress.begin("speaking and hearing", 2 * len(found))
        for prefix, artefact in (("", trial.artefact), (SOURCE, trial.source)):
            wrong = words = 0
            for number, text in enumerate(found):
                (sound,) = Speaker(artefact, trial.threads).speak([text], QUIET)
                heard = _heard(recogniser, in_16_bits(sound))
                said = words_of(text)
                wrong += edits(said, words_of(heard))
                words += len(said)
                trial.progress.advance(number)
            figures[f"{prefix}wer"] = wrong / max(1, words)
        trial.progress.end()
        return {**figures, "wer_lost": 100.0 * (figures["wer"] - figures[f"{SOURCE}wer"])}


class VoiceSpectrum(Evaluator[SpokenParameters]):
    """How far the sound is from the source's, against how far the source is from itself.

    A voice never says a sentence twice in the same way: its own variation is the yardstick.
    """

    name = "voice-spectrum"
    takes = "onnx"
    libraries: ClassVar[tuple[str, ...]] = _LIBRARIES
    better: ClassVar[dict[str, str]] = {"spectral_db": "low", "spectral_ratio": "low"}
    schema = SpokenParameters

    def run(self, trial: Trial) -> dict[str, float]:
        """``spectral_db`` (both without noise), ``own_db`` (source, twice with noise), their ratio.

        ``pace``: length of the speech by that of the source.
        """
        found = sentences(trial.texts, self.parameters.text, self.parameters.sentences)
        source = Speaker(trial.source, trial.threads)
        trial.progress.say("the source speaks")
        reference = source.speak(found, QUIET)
        once, again = source.speak(found), source.speak(found)
        ours = Speaker(trial.artefact, trial.threads).speak(found, QUIET)
        apart = float(
            np.mean([spectral_distance(*pair) for pair in zip(ours, reference, strict=True)])
        )
        own = float(np.mean([spectral_distance(*pair) for pair in zip(once, again, strict=True)]))
        pace = sum(map(len, ours)) / max(1, sum(map(len, reference)))
        return {
            "spectral_db": apart,
            "own_db": own,
            "spectral_ratio": apart / max(own, 1e-9),
            "pace": pace,
        }


def _heard(recogniser: SpeechToText, samples: Samples) -> str:
    stream = recogniser.stream()
    step = RATE_HZ // 10
    silence = np.zeros(RATE_HZ // 2, np.int16)
    padded = np.concatenate([silence, samples, silence])
    for start in range(0, len(padded), step):
        stream.accept(AudioFrame(padded[start : start + step], RATE_HZ, start))
    return str(stream.finish().text)


def edits(said: Sequence[str], heard: Sequence[str]) -> int:
    """Words to be put in, taken out or replaced to make the one of the other (Levenshtein)."""
    row = list(range(len(heard) + 1))
    for number, word in enumerate(said, start=1):
        before, row[0] = row[0], number
        for at, other in enumerate(heard, start=1):
            before, row[at] = (
                row[at],
                min(row[at] + 1, row[at - 1] + 1, before + (word != other)),
            )
    return row[-1]
