"""Phrases first, free dictation where they do not fit: one stream to the caller."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from difflib import SequenceMatcher
from typing import Protocol

from edgebot.core.audio import AudioFrame
from edgebot.core.speech import SpeechStream, SpeechToText, Transcript
from edgebot.stt.grammar import Verdict

AGREEMENT = 0.65
"""Share of letters two readings must have in common for a doubtful phrase to be believed."""


class PhraseStream(SpeechStream, Protocol):
    """An utterance heard as one of a list of phrases, with an opinion on whether it was one."""

    def verdict(self) -> Verdict:
        """After ``finish``: whether the words are a phrase of the grammar."""

    def familiarity(self, text: str) -> float:
        """Share of neighbouring words in ``text`` that are neighbours in a phrase, 0 … 1."""


class PhraseRecognizer(Protocol):
    """A recogniser that can be held to phrases."""

    model_id: str

    def stream(self, grammar: Sequence[str] | None = None) -> PhraseStream:
        """Start an utterance."""

    def close(self) -> None:
        """Free the model."""


class WayOut:
    """A recogniser of phrases with another one behind it for everything that is no phrase.

    Without a grammar ``dictation`` does all the work. With one, the phrases are recognised while
    the person speaks; only where the outcome is doubtful is the utterance, kept in memory until
    then, read again: by ``rereading``, which nobody has to hear partial results from, or by
    ``dictation`` where there is none.
    """

    def __init__(
        self,
        phrases: PhraseRecognizer,
        dictation: SpeechToText,
        rereading: SpeechToText | None = None,
    ) -> None:
        self._phrases = phrases
        self._dictation = dictation
        self._rereading = rereading or dictation
        self.model_id = phrases.model_id

    def stream(self, grammar: Sequence[str] | None = None) -> SpeechStream:
        """Start an utterance, see :class:`~edgebot.core.speech.SpeechToText`."""
        if not grammar:
            return self._dictation.stream()
        return _WayOutStream(self._phrases.stream(grammar), self._rereading)

    def close(self) -> None:
        """Free all models."""
        for engine in (self._phrases, self._dictation, self._rereading):
            engine.close()


class _WayOutStream:
    def __init__(self, phrases: PhraseStream, rereading: SpeechToText) -> None:
        self._phrases = phrases
        self._rereading = rereading
        self._frames: list[AudioFrame] = []

    def accept(self, frame: AudioFrame) -> str:
        self._frames.append(frame)
        return self._phrases.accept(frame)

    def finish(self) -> Transcript:
        phrase = self._phrases.finish()
        verdict = self._phrases.verdict()
        frames, self._frames = self._frames, []
        if verdict == "mine":
            return phrase
        stream = self._rereading.stream()
        for frame in frames:
            stream.accept(frame)
        free = stream.finish()
        if free.text and self._phrases.familiarity(free.text) == 1.0:
            return replace(free, in_grammar=True)
        return reconcile(phrase, verdict, free)


def reconcile(phrase: Transcript, verdict: Verdict, free: Transcript) -> Transcript:
    """What was said, from a doubtful or foreign reading as a phrase and a free one.

    A doubtful phrase is believed when the free reading shares most of its letters, or is empty
    (very short words are often lost on recognisers that know no phrases).
    """
    believed = not free.text or alike(phrase.text, free.text) >= AGREEMENT
    if verdict == "doubtful" and phrase.text and believed:
        return replace(phrase, in_grammar=True, otherwise=free if free.text else None)
    return replace(free, in_grammar=False)


def alike(one: str, other: str) -> float:
    """Share of letters two texts have in common, blanks left out, 0 … 1."""
    matcher = SequenceMatcher(None, one.replace(" ", ""), other.replace(" ", ""), autojunk=False)
    return matcher.ratio()
