"""The way of a turn with fakes at the ports."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest

from edgebot.core.audio import AudioFrame
from edgebot.core.cancel import Cancellation
from edgebot.core.dialogue import Decision, Sentence
from edgebot.core.errors import EngineError
from edgebot.core.speech import Transcript
from edgebot.core.turn import Turn
from edgebot.runtime.turns import speech_turn, timings_ms


class FakeStream:
    def __init__(self) -> None:
        self.samples = 0

    def accept(self, frame: AudioFrame) -> str:
        self.samples += len(frame.samples)
        return ""

    def finish(self) -> Transcript:
        return Transcript("what time is it", engine="fake", audio_s=self.samples / 16_000)


class FakeProposal:
    def __init__(self, words: list[str], gate: threading.Event | None) -> None:
        self.decision = Decision(route="llm")
        self._words = words
        self._gate = gate

    def sentences(self) -> Iterator[Sentence]:
        for index, text in enumerate(self._words):
            if text == "boom":
                raise EngineError("the model is gone")
            yield Sentence(text, index)
            if self._gate:
                assert self._gate.wait(10), "the first sentence was not spoken meanwhile"


class FakeDialogue:
    scheduler: Any = None
    toolbox: Any = None

    def __init__(self, words: list[str], gate: threading.Event | None = None) -> None:
        self._words = words
        self._gate = gate
        self.history: list[str] = []

    def propose(self, turn: Turn, text: str, *, draft: bool = False) -> FakeProposal:
        return FakeProposal(self._words, self._gate)

    def prepare(self, turn: Turn, text: str) -> None: ...

    def heard(self, turn: Turn, text: str) -> None:
        self.history.append(text)

    def context(self, session: str) -> Any: ...

    def close(self) -> None: ...


class FakeVoice:
    model_id = "fake"
    rate_hz = 22_050

    def synthesize(self, text: str, cancellation: Cancellation) -> Iterator[AudioFrame]:
        yield AudioFrame(np.full(100, len(text), np.int16), self.rate_hz)

    def close(self) -> None: ...


class FakeSink:
    def __init__(self, on_write: threading.Event | None = None) -> None:
        self.frames: list[AudioFrame] = []
        self._on_write = on_write

    def write(self, frame: AudioFrame) -> None:
        self.frames.append(frame)
        if self._on_write:
            self._on_write.set()

    def close(self) -> None: ...


def question() -> list[AudioFrame]:
    return [AudioFrame(np.zeros(1600, np.int16), start=1600 * i) for i in range(10)]


def test_every_sentence_is_spoken_in_order_and_heard() -> None:
    dialogue, sink, turn = FakeDialogue(["One.", "Twenty."]), FakeSink(), Turn()
    report = speech_turn(turn, FakeStream(), dialogue, FakeVoice(), question(), sink)
    assert report.reply == "One. Twenty."
    assert report.transcript.audio_s == pytest.approx(1.0)
    assert [int(frame.samples[0]) for frame in sink.frames] == [4, 7]
    assert [frame.start for frame in sink.frames] == [0, 100]
    assert dialogue.history == ["One. Twenty."]
    timings = timings_ms(turn)
    assert list(timings) == ["stt", "nlu", "first_token", "first_audio", "total"]
    assert all(value is not None and value >= 0 for value in timings.values())


def test_the_first_sentence_is_spoken_while_the_second_is_written() -> None:
    spoken = threading.Event()
    dialogue, sink = FakeDialogue(["One.", "Two."], gate=spoken), FakeSink(on_write=spoken)
    speech_turn(Turn(), FakeStream(), dialogue, FakeVoice(), question(), sink)
    assert len(sink.frames) == 2


def test_a_failing_stage_ends_the_turn_with_its_error() -> None:
    dialogue, turn = FakeDialogue(["One.", "boom"]), Turn()
    with pytest.raises(EngineError, match="the model is gone"):
        speech_turn(turn, FakeStream(), dialogue, FakeVoice(), question(), FakeSink())
    assert turn.cancellation.is_set
    assert dialogue.history == []
