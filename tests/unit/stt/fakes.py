"""Recognisers that understand what they are told to."""

from __future__ import annotations

from collections.abc import Sequence

from edgebot.core.audio import AudioFrame
from edgebot.core.speech import Transcript
from edgebot.stt.grammar import Verdict


class FakeStream:
    def __init__(self, engine: FakeRecognizer, grammar: Sequence[str] | None) -> None:
        self._engine = engine
        self._grammar = grammar
        self.samples = 0

    def accept(self, frame: AudioFrame) -> str:
        self.samples += len(frame.samples)
        return f"partial of {self._engine.model_id}"

    def finish(self) -> Transcript:
        self._engine.heard.append(self.samples)
        return Transcript(
            self._engine.text, self._engine.model_id, self._engine.confidence, (), 1.0, None
        )

    def verdict(self) -> Verdict:
        return self._engine.verdict

    def familiarity(self, text: str) -> float:
        return 1.0 if text in (self._grammar or ()) else 0.0


class FakeRecognizer:
    takes_phrases = True

    def __init__(
        self,
        model_id: str,
        text: str = "",
        confidence: float = 1.0,
        verdict: Verdict = "mine",
    ) -> None:
        self.model_id = model_id
        self.text = text
        self.confidence = confidence
        self.verdict: Verdict = verdict
        self.heard: list[int] = []
        self.closed = 0

    def stream(self, grammar: Sequence[str] | None = None) -> FakeStream:
        return FakeStream(self, grammar)

    def close(self) -> None:
        self.closed += 1
