"""Turns that documents or the language model answer."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgebot.core.errors import EngineError
from edgebot.core.language import Message, Ungrounded
from edgebot.core.turn import Turn
from edgebot.dialogue.build import Limits
from tests.unit.dialogue.fakes import FakeKnowledge, FakeTalker, Scene


def test_knowledge_answers_with_its_source(tmp_path: Path) -> None:
    scene = Scene(tmp_path, knowledge=FakeKnowledge("Paris is the capital. It is large.", 0.9))
    assert scene.say("capital of france") == "Paris is the capital. It is large."
    assert scene.proposal.decision.route == "knowledge"
    assert scene.proposal.decision.sources == ("capitals.md",)


def test_unsure_knowledge_is_a_hint_to_a_model_that_can_read(tmp_path: Path) -> None:
    talker = FakeTalker(["Perhaps Paris."], can_read=True)
    scene = Scene(tmp_path, knowledge=FakeKnowledge("Paris.", 0.3), talker=talker)
    assert scene.say("capital of france") == "Perhaps Paris."
    assert scene.proposal.decision.route == "llm"
    assert [passage.text for passage in talker.asked[0][2]] == ["Paris."]
    assert scene.knowledge is not None
    assert scene.knowledge.searches == 1


def test_knowledge_below_the_hint_threshold_is_not_shown(tmp_path: Path) -> None:
    talker = FakeTalker(can_read=True)
    scene = Scene(tmp_path, knowledge=FakeKnowledge("Paris.", 0.1), talker=talker)
    scene.say("capital of france")
    assert talker.asked[0][2] == ()


def test_a_model_that_can_read_words_the_answer(tmp_path: Path) -> None:
    talker = FakeTalker(["The capital is Paris."], can_read=True)
    scene = Scene(tmp_path, knowledge=FakeKnowledge("Paris.", 0.9), talker=talker)
    assert scene.say("capital of france") == "The capital is Paris."
    assert scene.proposal.decision.route == "knowledge"


def test_an_answer_written_to_the_question_is_spoken_as_it_is(tmp_path: Path) -> None:
    talker = FakeTalker(["The capital is Lyon."], can_read=True)
    knowledge = FakeKnowledge("Paris.", 0.9, question="What is the capital of France?")
    scene = Scene(tmp_path, knowledge=knowledge, talker=talker)
    assert scene.say("capital of france") == "Paris."
    assert talker.asked == []


@pytest.mark.parametrize("error", [Ungrounded("made up"), EngineError("broken")])
def test_the_extract_stands_by(tmp_path: Path, error: Exception) -> None:
    talker = FakeTalker([], can_read=True)
    talker.fails = error
    scene = Scene(tmp_path, knowledge=FakeKnowledge("Paris.", 0.9), talker=talker)
    assert scene.say("capital of france") == "Paris."
    assert str(error) in scene.proposal.decision.failure


@pytest.mark.parametrize("error", [EngineError("broken"), IndexError("bug")])
def test_a_model_that_fails_ends_in_an_apology_and_the_next_turn_works(
    tmp_path: Path, error: Exception
) -> None:
    talker = FakeTalker([])
    talker.fails = error
    scene = Scene(tmp_path, talker=talker)
    assert scene.say("tell me a story") == "Something went wrong."
    assert scene.proposal.decision.route == "repair"
    talker.fails, talker.sentences = None, ["Once.", "The end."]
    assert scene.say("tell me a story") == "Once. The end."


def test_a_model_that_breaks_off_keeps_what_it_said(tmp_path: Path) -> None:
    talker = FakeTalker(["Once."])
    talker.fails = EngineError("broken")
    scene = Scene(tmp_path, talker=talker)
    assert scene.say("tell me a story") == "Once."
    assert scene.proposal.decision.route == "llm"
    assert "broken" in scene.proposal.decision.failure


def test_a_silent_model_means_i_do_not_know(tmp_path: Path) -> None:
    scene = Scene(tmp_path, talker=FakeTalker([]))
    assert scene.say("tell me a story") == "I don't know."
    assert scene.proposal.decision.route == "repair"


def test_history_holds_only_what_was_heard(tmp_path: Path) -> None:
    talker = FakeTalker(["One.", "Two."])
    scene = Scene(tmp_path, talker=talker)
    turn = Turn("a")
    list(scene.dialogue.propose(turn, "count").sentences())
    scene.dialogue.heard(turn, "One.")
    unheard = Turn("a")
    list(scene.dialogue.propose(unheard, "never heard").sentences())
    scene.say("go on")
    assert talker.asked[-1][1] == (Message("user", "count"), Message("assistant", "One."))


def test_history_is_bounded(tmp_path: Path) -> None:
    talker = FakeTalker()
    scene = Scene(tmp_path, talker=talker, limits=Limits(history_turns=2))
    for n in range(5):
        scene.say(f"say {n}")
    assert [m.content for m in talker.asked[-1][1]] == ["say 2", "Well.", "say 3", "Well."]


def test_what_was_only_proposed_is_no_history(tmp_path: Path) -> None:
    talker = FakeTalker()
    scene = Scene(tmp_path, talker=talker)
    turn = Turn("a")
    scene.dialogue.propose(turn, "thrown away")
    scene.dialogue.heard(turn, "")
    scene.say("hello")
    assert talker.asked[-1][1] == ()


def test_a_draft_is_written_only_when_asked_for(tmp_path: Path) -> None:
    talker = FakeTalker()
    scene = Scene(tmp_path, talker=talker)
    scene.dialogue.propose(Turn(), "tell me")
    scene.dialogue.propose(Turn(), "tell me more", draft=True)
    scene.dialogue.prepare(Turn(), "tell")
    assert talker.prepared == [("tell me more", True), ("tell", False)]


def test_the_prompt_of_a_model_can_be_told_before_it_is_asked(tmp_path: Path) -> None:
    talker = FakeTalker()
    scene = Scene(tmp_path, talker=talker)
    scene.say("hello there")
    proposal = scene.dialogue.propose(Turn("a"), "and you?")
    assert talker.asked[-1][0] == "hello there"  # nothing more was generated
    assert proposal.decision.rungs[-1].details["prompt"] == [
        {"role": "user", "content": "hello there"},
        {"role": "assistant", "content": "Well."},
        {"role": "user", "content": "and you?"},
    ]


def test_a_prompt_that_cannot_be_made_does_not_end_the_turn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def broken(*_: object) -> list[Message]:
        raise EngineError("no persona")

    talker = FakeTalker()
    monkeypatch.setattr(talker, "prompt", broken)
    scene = Scene(tmp_path, talker=talker)
    assert scene.say("hello there") == "Well."
    assert "prompt" not in scene.proposal.decision.rungs[-1].details
