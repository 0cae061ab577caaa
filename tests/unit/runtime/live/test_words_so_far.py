"""The words so far and the voice together end an opening of the microphone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from edgebot.core.audio import AudioFrame, Samples
from edgebot.core.dialogue import Decision, Route
from edgebot.core.speech import SpeechStream
from edgebot.runtime.endpointing import Event, Said
from edgebot.runtime.live.hearing import opening_of
from edgebot.runtime.live.jobs import Attempt
from edgebot.runtime.live.manners import USUAL, Ears
from edgebot.runtime.live.utterance import Utterance
from edgebot.runtime.unfinished import judged

CHUNK = 512


class Turns:
    """Sounds as finished as it is told."""

    longest_s = 8.0

    def __init__(self, probability: float) -> None:
        self.probability = probability

    def finished(self, samples: Samples) -> float:
        return self.probability

    def close(self) -> None: ...


class Stream:
    """Hears the same words whatever is said."""

    def __init__(self, words: str) -> None:
        self.words = words

    def accept(self, frame: AudioFrame) -> str:
        return self.words

    def finish(self) -> Any: ...


def silence_ms(
    words: str, sounds: float, *, whole: bool, ears_know: bool = True, route: Route = "llm"
) -> float:
    """Silence after which ``words`` are taken for all."""

    def submit(attempt: Attempt) -> None:
        attempt.understood = words, Decision(route, whole=whole)

    def begins(session: str, words: str) -> bool:
        return ears_know and (session, words) == ("kitchen", "a large")

    ears = Ears(voice=None, turn=Turns(sounds), begins=begins)  # type: ignore[arg-type]
    opening = opening_of("button", "kitchen", 4.0, USUAL, ears, submit)
    stream: SpeechStream = Stream(words)
    opening.utterance = Utterance(lambda: stream)
    for chunk in range(200):
        opening.utterance.accept(AudioFrame(np.zeros(CHUNK, np.int16), 16_000, chunk * CHUNK))
        if Event.ENDED in opening.events(0.9 if chunk < 50 else 0.0, CHUNK):
            return (chunk - 49) * 32.0
    raise AssertionError("never")


@pytest.mark.parametrize(
    ("words", "sounds", "whole", "ends_ms"),
    [
        ("turn on the lights", 0.8, True, 160),
        ("turn on the lights", 0.3, True, 480),
        ("tell me a story", 0.99, False, 160),
        ("tell me a story", 0.95, False, 1216),
        ("tell me a very long story please", 0.95, False, 640),
        ("tell me a very long story please", 0.5, False, 1216),
        ("tell me a very long story about the", 0.95, False, 1216),
        ("turn on the", 0.99, False, 1216),  # nobody ends with it
        ("a large", 0.99, False, 1216),  # what can be said goes on
    ],
)
def test_how_long_somebody_may_pause(
    words: str, sounds: float, whole: bool, ends_ms: float
) -> None:
    assert silence_ms(words, sounds, whole=whole) == ends_ms


def test_words_that_no_template_knows_are_left_to_the_voice() -> None:
    assert silence_ms("a large", 0.99, whole=False, ears_know=False) == 160


def test_what_the_language_model_does_not_answer_is_no_talk() -> None:
    words = "put the thing in the living room"
    assert silence_ms(words, 0.95, whole=False, route="repair") == 1216


def test_words_count_as_soon_as_they_are_heard_and_the_decision_when_it_is_there() -> None:
    assert judged("turn on the", None, "en", begins=False) is Said.OPEN
    assert judged("turn on", None, "de", begins=True) is Said.OPEN
    assert judged("turn on the lights", None, "en", begins=False) is Said.UNKNOWN
    assert judged("", None, "en", begins=False) is Said.UNKNOWN
    assert judged("set a timer for", Decision(whole=True), "en", begins=True) is Said.WHOLE
