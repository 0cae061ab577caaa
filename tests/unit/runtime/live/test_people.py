"""Whose turn it is, in a simulated room where each voice has a loudness of its own."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest

from edgebot.core.audio import Samples
from edgebot.core.turn import Turn
from edgebot.runtime.live.jobs import Attempt
from edgebot.runtime.live.people import EVERYBODY, People, session_of
from edgebot.server.house import _SESSION
from tests.unit.runtime.live.toneland import ToneStream, scene, speech


@dataclass
class Heard:
    name: str | None
    is_telling: bool = True


def loudness(samples: Samples) -> Heard:
    """The loud one is Anna, the soft one Ben; a word alone tells nothing."""
    loud = samples[abs(samples.astype(int)) > 300]
    if len(loud) < 6000:
        return Heard(None, is_telling=False)
    level = float(abs(loud.astype(int)).max())
    return Heard("anna" if level > 9000 else "ben" if level > 4000 else None)


def attempt(samples: Samples, by: str = "wake") -> Attempt:
    return Attempt(Turn(), ToneStream(lambda: None), by=by, audio=samples)


def test_a_known_voice_has_a_conversation_of_its_own() -> None:
    people = People(loudness)
    known, stranger = attempt(speech("tell me a story", 0.4)), attempt(speech("tell me a", 0.05))
    people.recognize(known)
    people.recognize(stranger)
    assert (known.turn.person, known.turn.session) == ("anna", "voice/anna")
    assert (stranger.turn.person, stranger.turn.session) == (None, EVERYBODY)


@pytest.mark.parametrize("by", ["question", "follow_up", "barge_in"])
def test_a_short_answer_is_from_whom_we_talk_with(by: str) -> None:
    people = People(loudness)
    first = attempt(speech("tell me a story", 0.4))
    people.recognize(first)
    people.spoke(first)
    answer = attempt(speech("yes", 0.4), by)
    people.recognize(answer)
    assert answer.turn.person == "anna"
    other = attempt(speech("tell me a story", 0.2), by)
    people.recognize(other)
    assert other.turn.person == "ben"
    stranger = attempt(speech("tell me a story", 0.05), by)
    people.recognize(stranger)
    assert stranger.turn.person is None


def test_a_short_word_after_the_wake_word_is_from_nobody() -> None:
    people = People(loudness)
    first = attempt(speech("tell me a story", 0.4))
    people.recognize(first)
    people.spoke(first)
    again = attempt(speech("yes", 0.4), "wake")
    people.recognize(again)
    assert (again.turn.person, again.turn.session) == (None, EVERYBODY)


def test_what_was_prepared_and_thrown_away_is_nobody_we_talk_with() -> None:
    people = People(loudness)
    people.recognize(attempt(speech("tell me a story", 0.4)))
    answer = attempt(speech("yes", 0.4), "question")
    people.recognize(answer)
    assert answer.turn.person is None


def test_where_voices_are_not_told_apart_nothing_changes() -> None:
    people = People(None)
    one = Attempt(Turn("kitchen"), ToneStream(lambda: None), audio=speech("yes"))
    people.recognize(one)
    assert (one.turn.person, one.turn.session) == (None, "kitchen")


def test_no_door_can_name_a_persons_conversation() -> None:
    assert not re.fullmatch(_SESSION, session_of("anna"))


def test_our_question_is_heard_in_the_conversation_it_belongs_to() -> None:
    play = scene({"ask again": ["which colour"], "blue": ["ten"]})
    play.daemon.responder._people = People(loudness)
    sessions: list[str] = []
    opened = play.daemon.listener._open_stream
    turns: list[str] = []
    propose = play.dialogue.propose

    def noting(turn: Turn, text: str, *, draft: bool = False) -> object:
        turns.append(f"{turn.session} {turn.person} {text}")
        return propose(turn, text, draft=draft)

    def noted(session: str) -> object:
        sessions.append(session)
        return opened(session)

    play.daemon.listener._open_stream = noted  # type: ignore[assignment]
    play.dialogue.propose = noting  # type: ignore[assignment, method-assign]
    play.room.say(speech("nabu ask again", 0.4), 0.5)
    play.room.say(speech("blue", 0.4), 4.0)
    play.room.say(speech("nabu ask again", 0.05), 9.0)
    play.play(12)
    assert turns[-3:] == [
        "voice/anna anna ask again",
        "voice/anna anna blue",
        "local None ask again",
    ]
    assert "voice/anna" in sessions
    assert sessions[-1] == EVERYBODY
