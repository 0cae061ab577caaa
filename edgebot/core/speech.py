"""Speech to text and text to speech: their messages and ports."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from edgebot.core.audio import AudioFrame
from edgebot.core.cancel import Cancellation


@dataclass(frozen=True, slots=True)
class Word:
    """One recognised word and where it was heard."""

    text: str
    start_s: float
    end_s: float
    confidence: float
    """0 … 1."""


@dataclass(frozen=True, slots=True)
class Transcript:
    """What a recogniser understood of one utterance."""

    text: str
    """Lower-case words without punctuation; empty when nothing was understood."""

    engine: str
    """Catalogue id of the model that heard it, or ``text`` for typed input."""

    confidence: float = 1.0
    """Mean word confidence, 0 … 1."""

    words: tuple[Word, ...] = ()
    audio_s: float = 0.0
    """Length of the audio in seconds."""

    in_grammar: bool | None = None
    """Whether a grammar matched; False when its way out was taken, None without a grammar."""

    otherwise: Transcript | None = None
    """The same sound read as free dictation, where that was done too and not believed."""


class SpeechStream(Protocol):
    """One utterance on its way through a recogniser."""

    def accept(self, frame: AudioFrame) -> str:
        """Take 16 kHz mono audio; return the partial text so far (may be empty)."""

    def finish(self) -> Transcript:
        """End the utterance and return what was understood; the stream is used up."""


class SpeechToText(Protocol):
    """A recogniser with its model loaded."""

    model_id: str

    def stream(self, grammar: Sequence[str] | None = None) -> SpeechStream:
        """Start an utterance; ``grammar`` restricts it to these phrases (lower case)."""

    def close(self) -> None:
        """Free the model."""


class TextToSpeech(Protocol):
    """A voice with its model loaded."""

    model_id: str
    rate_hz: int

    def synthesize(self, text: str, cancellation: Cancellation) -> Iterator[AudioFrame]:
        """Yield the audio of ``text`` piece by piece; stops early when cancelled."""

    def close(self) -> None:
        """Free the model."""
