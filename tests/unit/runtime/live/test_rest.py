"""Answers that are taken back, and stop words that are heard by themselves."""

from __future__ import annotations

import pytest

from edgebot.core.audio import AudioFrame
from edgebot.core.dialogue import Decision
from edgebot.core.speech import Transcript
from edgebot.core.turn import Turn
from edgebot.dialogue.intents import LOOKING
from edgebot.dialogue.skills.arithmetic import Arithmetic
from edgebot.dialogue.skills.chance import Chance
from edgebot.dialogue.skills.conversion import Conversion
from edgebot.dialogue.skills.device import Device
from edgebot.dialogue.skills.time_date import TimeAndDate
from edgebot.runtime.live.jobs import Attempt
from edgebot.runtime.live.responder import may_change
from edgebot.runtime.live.stop_word import StopWordToo


class Said:
    """A stream whose words are known."""

    def __init__(self, text: str, in_grammar: bool | None = None) -> None:
        self._transcript = Transcript(text, "known", in_grammar=in_grammar)

    def accept(self, frame: AudioFrame) -> str:
        return self._transcript.text

    def finish(self) -> Transcript:
        return self._transcript


def attempt() -> Attempt:
    return Attempt(Turn("local"), Said("hello"))


def test_intents_that_only_tell_are_those_of_skills_that_keep_nothing() -> None:
    telling = (TimeAndDate, Arithmetic, Conversion, Chance, Device)
    assert {intent.name for skill in telling for intent in skill.intents} == LOOKING


@pytest.mark.parametrize(
    ("decision", "changes"),
    [
        (Decision("command", "timer_set"), True),
        (Decision("command", None), True),
        (Decision("command", "time_now"), False),
        (Decision("knowledge"), False),
        (Decision("repair"), False),
        (Decision("llm"), True),
    ],
)
def test_what_may_change_something(decision: Decision, changes: bool) -> None:
    assert may_change(decision, lambda: True) is changes


def test_a_language_model_without_skills_only_talks() -> None:
    assert not may_change(Decision("llm"), lambda: False)


def test_an_answer_is_taken_back_only_before_it_has_changed_something() -> None:
    early, late = attempt(), attempt()
    assert early.take_back()
    assert not early.commit()
    assert not early.wait()
    assert late.commit()
    assert not late.take_back()
    assert late.is_live


@pytest.mark.parametrize(
    ("heard", "by_itself", "in_grammar", "understood"),
    [
        ("star", "stop", True, "stop"),
        ("", "stop", True, "stop"),
        ("stop", "", None, "stop"),
        ("star", "stop", False, "star"),  # its way out was taken
        ("star", "no", True, "star"),
        ("stop the music please", "stop", True, "stop the music please"),
        ("time", "stop", True, "time"),  # we said that ourselves
    ],
)
def test_a_stop_word_alone_is_told_from_what_sounds_like_it(
    heard: str, by_itself: str, in_grammar: bool | None, understood: str
) -> None:
    streams = Said(heard), Said(by_itself, in_grammar)
    stream = StopWordToo(*streams, frozenset({"stop"}), lambda: "your time is up")
    assert stream.finish().text == understood
