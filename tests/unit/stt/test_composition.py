"""Way out, second opinion and how they stand together, over fakes."""

from collections.abc import Sequence
from typing import Literal

import numpy as np
import pytest

from edgebot.core.audio import AudioFrame
from edgebot.core.speech import SpeechToText, Transcript
from edgebot.stt.compose import compose
from edgebot.stt.grammar import Verdict
from edgebot.stt.second_opinion import SecondOpinion
from edgebot.stt.wayout import WayOut, alike
from tests.unit.stt.fakes import FakeRecognizer

FRAME = AudioFrame(np.ones(1600, np.int16))
GRAMMAR = ["turn on the light", "turn off the light"]


def hear(engine: SpeechToText, grammar: Sequence[str] | None = None, frames: int = 3) -> Transcript:
    stream = engine.stream(grammar)
    for _ in range(frames):
        stream.accept(FRAME)
    return stream.finish()


def test_a_phrase_needs_no_second_reading() -> None:
    free = FakeRecognizer("free", "something else")
    heard = hear(WayOut(FakeRecognizer("phrases", "turn on the light"), free), GRAMMAR)
    assert (heard.text, heard.engine) == ("turn on the light", "phrases")
    assert not free.heard


def test_foreign_speech_is_read_again_from_the_first_sample_on() -> None:
    phrases = FakeRecognizer("phrases", "turn light light", verdict="foreign")
    free = FakeRecognizer("free", "how old is the brooklyn bridge")
    heard = hear(WayOut(phrases, free), GRAMMAR)
    assert (heard.text, heard.in_grammar) == ("how old is the brooklyn bridge", False)
    assert free.heard == [3 * 1600]


@pytest.mark.parametrize(
    ("verdict", "reading", "text", "in_grammar"),
    [
        ("doubtful", "turn of the lights", "turn off the light", True),
        ("doubtful", "", "turn off the light", True),
        ("doubtful", "how are you today", "how are you today", False),
        ("foreign", "turn of the lights", "turn of the lights", False),
        ("foreign", "turn off the light", "turn off the light", True),
        ("foreign", "", "", False),
    ],
)
def test_two_readings_are_weighed(
    verdict: Verdict, reading: str, text: str, in_grammar: bool
) -> None:
    phrases = FakeRecognizer("phrases", "turn off the light", verdict=verdict)
    heard = hear(WayOut(phrases, FakeRecognizer("free", reading)), GRAMMAR)
    assert (heard.text, heard.in_grammar) == (text, in_grammar)


def test_without_a_grammar_dictation_does_it_all() -> None:
    phrases, free = FakeRecognizer("phrases", "wrong"), FakeRecognizer("free", "right")
    engine = WayOut(phrases, free)
    assert hear(engine).text == hear(engine, []).text == "right"
    assert not phrases.heard


def test_the_surer_reading_is_believed() -> None:
    first, second = FakeRecognizer("first", "a", 0.9), FakeRecognizer("second", "b", 0.95)
    assert hear(SecondOpinion(first, second, "always")).text == "b"
    second.confidence = 0.85
    assert hear(SecondOpinion(first, second, "always")).text == "a"
    second.text, second.confidence = "", 0.99
    assert hear(SecondOpinion(first, second, "always")).text == "a"


def test_a_sure_first_reading_is_not_questioned() -> None:
    first, second = FakeRecognizer("first", "a", 0.99), FakeRecognizer("second", "b", 1.0)
    assert hear(SecondOpinion(first, second, "low_confidence")).text == "a"
    assert not second.heard
    first.confidence = 0.5
    assert hear(SecondOpinion(first, second, "low_confidence")).text == "b"


def test_partial_texts_are_those_of_the_first_engine() -> None:
    engine = SecondOpinion(FakeRecognizer("first"), FakeRecognizer("second"), "always")
    assert engine.stream().accept(FRAME) == "partial of first"


@pytest.mark.parametrize("when", ["low_confidence", "always"])
def test_what_is_no_phrase_is_read_by_the_second_engine_alone(
    when: Literal["low_confidence", "always"],
) -> None:
    first = FakeRecognizer("first", "turn turn", verdict="foreign")
    second = FakeRecognizer("second", "good morning", 0.95)
    heard = hear(compose(first, second, when), GRAMMAR)
    assert (heard.engine, heard.in_grammar) == ("second", False)
    assert len(first.heard) == 1  # as phrases only


def test_never_means_that_the_second_engine_is_not_asked() -> None:
    first = FakeRecognizer("first", "turn turn", 0.1, verdict="foreign")
    second = FakeRecognizer("second", "good morning")
    engine = compose(first, second, "never")
    assert hear(engine).engine == hear(engine, GRAMMAR).engine == "first"
    assert not second.heard


def test_an_engine_without_phrases_stands_alone() -> None:
    only = FakeRecognizer("only", "hello")
    only.takes_phrases = False
    assert compose(only, None, "always") is only


def test_closing_reaches_every_engine() -> None:
    first, second = FakeRecognizer("first"), FakeRecognizer("second")
    compose(first, second, "always").close()
    assert first.closed and second.closed


def test_likeness_is_about_letters() -> None:
    assert alike("bed light", "bedlight") == 1.0
    assert alike("turn on", "") == 0.0
