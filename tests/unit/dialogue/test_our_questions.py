"""What we ask back: for what is missing, which one, are you sure."""

from __future__ import annotations

import pytest

from edgebot.core.turn import Turn
from edgebot.dialogue.skill import Option, Outcome, Question, Topic
from tests.unit.dialogue.fakes import Scene


def test_a_missing_slot_is_asked_for(scene: Scene) -> None:
    scene.reader.teach("number", "five", 5)
    assert scene.say("boil") == "How many?"
    assert scene.proposal.decision.expects_answer
    assert scene.say("five") == "The kettle is on for 5 minutes."
    assert not scene.proposal.decision.expects_answer


def test_the_state_of_the_question_reaches_understanding(scene: Scene) -> None:
    scene.say("boil")
    assert scene.dialogue.context("a").state == "ask_number"
    assert scene.dialogue.context("b").state == ""


def test_a_useless_answer_is_asked_for_once_more_and_then_let_be(scene: Scene) -> None:
    scene.say("boil")
    assert scene.say("blue") == "Pardon? How many?"
    assert scene.proposal.decision.expects_answer
    assert scene.say("blue") == "I don't know."
    assert scene.dialogue.context("a").state == ""


def test_another_command_ends_the_question(scene: Scene) -> None:
    scene.say("boil")
    assert scene.say("boil for three") == "The kettle is on for 3 minutes."


def test_a_question_times_out(scene: Scene) -> None:
    scene.reader.teach("number", "five", 5)
    scene.say("boil")
    scene.clock.go(31)
    assert scene.dialogue.context("a").state == ""
    assert scene.say("five") == "I don't know."


def test_never_mind_drops_the_question(scene: Scene) -> None:
    scene.say("boil")
    assert scene.say("never mind") == "Dropped."
    assert scene.dialogue.context("a").state == ""
    assert scene.say("never mind") == "OK."


@pytest.mark.parametrize(("answer", "reply"), [(True, "The kettle is off."), (False, "Then not.")])
def test_what_cannot_be_undone_needs_a_yes(scene: Scene, answer: bool, reply: str) -> None:
    scene.reader.teach("yes_no", "answer", answer)
    assert scene.say("kettle off") == "Really?"
    assert scene.kettle.requests == []
    assert scene.say("answer") == reply
    assert len(scene.kettle.requests) == int(answer)


def test_cancel_that_means_our_question_and_not_an_older_topic(scene: Scene) -> None:
    scene.understander.know("cancel that", "cancel_it")
    topic = Topic("kettle", {"minutes": 9}, {"cancel": "kettle_on"})
    scene.kettle.outcome = Outcome("kettle.off", topic=topic)
    scene.say("boil for three")
    scene.say("boil")
    before = len(scene.kettle.requests)
    assert scene.say("cancel that") == "Dropped."
    assert len(scene.kettle.requests) == before


def test_asking_what_we_said_leaves_our_question_open(scene: Scene) -> None:
    scene.reader.teach("number", "five", 5)
    scene.understander.know("pardon", "kettle_again")
    scene.say("boil")
    assert scene.say("pardon") == "How many?"
    assert scene.proposal.decision.expects_answer
    assert scene.say("five") == "The kettle is on for 5 minutes."


def test_the_time_to_answer_begins_when_the_question_was_heard(scene: Scene) -> None:
    scene.reader.teach("number", "five", 5)
    turn = Turn("a")
    words = " ".join(s.text for s in scene.dialogue.propose(turn, "boil").sentences())
    scene.clock.go(25)  # a slow voice
    scene.dialogue.heard(turn, words)
    scene.clock.go(25)
    assert scene.say("five") == "The kettle is on for 5 minutes."


def which(options: tuple[Option, ...]) -> Outcome:
    question = Question(
        "choice", "kettle_on", "ask.number", slot="minutes", slot_kind="choice", options=options
    )
    return Outcome(question=question)


@pytest.mark.parametrize(
    ("answer", "value", "done"),
    [
        ("the red one", None, [3]),
        ("second", 2, [5]),
        ("last", -1, [7]),
        ("third", 3, [7]),
        ("both", "*", [3, 5, 7]),
    ],
)
def test_which_one(scene: Scene, answer: str, value: object, done: list[int]) -> None:
    options = (Option("the red kettle", 3), Option("the blue kettle", 5), Option("the urn", 7))
    if value is not None:
        scene.understander.know(answer, "answer", value=value)
    scene.kettle.outcome = which(options)
    scene.say("boil for three")
    assert scene.dialogue.context("a").state == "ask_choice"
    assert scene.dialogue.context("a").lists["choice"][1] == "the blue kettle"
    scene.kettle.outcome = None
    scene.say(answer)
    assert [request.slots["minutes"] for request in scene.kettle.requests[1:]] == done


@pytest.mark.parametrize("answer", ["the kettle", "the green one", "9"])
def test_an_answer_that_fits_none_or_several_is_asked_again(scene: Scene, answer: str) -> None:
    scene.kettle.outcome = which((Option("the red kettle", 3), Option("the blue kettle", 5)))
    scene.say("boil for three")
    assert scene.say(answer) == "Pardon? How many?"
