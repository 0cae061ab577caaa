"""Phrases first, free dictation where they do not fit: one stream to the caller."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from difflib import SequenceMatcher

from edgebot.core.audio import AudioFrame
from edgebot.core.speech import SpeechStream, SpeechToText, Transcript
from edgebot.stt.grammar import Verdict
from edgebot.stt.vosk import VoskRecognizer, VoskStream

AGREEMENT = 0.8
"""Letters that two readings must share (0 … 1) for a doubtful phrase to be believed."""


class WayOut:
    """A recogniser of phrases with another one behind it for everything that is no phrase.

    Without a grammar the one behind does all the work. With one, the phrases are recognised while
    the person speaks; only where the outcome is doubtful is the utterance, kept in memory until
    then, read again by ``free``.
    """

    def __init__(self, phrases: VoskRecognizer, free: SpeechToText) -> None:
        self._phrases = phrases
        self._free = free
        self.model_id = phrases.model_id

    def stream(self, grammar: Sequence[str] | None = None) -> SpeechStream:
        """Start an utterance, see :class:`~edgebot.core.speech.SpeechToText`."""
        if not grammar:
            return self._free.stream()
        return _WayOutStream(self._phrases.stream(grammar), self._free)

    def close(self) -> None:
        """Free both models."""
        self._phrases.close()
        self._free.close()


class _WayOutStream:
    def __init__(self, phrases: VoskStream, free: SpeechToText) -> None:
        self._phrases = phrases
        self._free = free
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
        stream = self._free.stream()
        for frame in frames:
            stream.accept(frame)
        return reconcile(phrase, verdict, stream.finish())


def reconcile(phrase: Transcript, verdict: Verdict, free: Transcript) -> Transcript:
    """What was said, from a doubtful or foreign reading as a phrase and a free one.

    A doubtful phrase is believed when the free reading is nearly the same to the letter, or is
    empty (very short words are often lost on recognisers that know no phrases).
    """
    if verdict == "doubtful" and phrase.text:
        if not free.text or alike(phrase.text, free.text) >= AGREEMENT:
            return replace(phrase, in_grammar=True)
    return replace(free, in_grammar=False)


def alike(one: str, other: str) -> float:
    """Share of letters two texts have in common, blanks left out, 0 … 1."""
    return SequenceMatcher(None, one.replace(" ", ""), other.replace(" ", ""), False).ratio()
