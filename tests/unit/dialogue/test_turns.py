"""Whole turns over fakes: decisions, commands, sessions, failures."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from edgebot.core.errors import EngineError, StoreError
from edgebot.core.turn import Turn
from edgebot.dialogue.skill import NOTHING, Outcome, Topic
from tests.unit.dialogue.fakes import FakeGuard, FakeKnowledge, FakeTalker, Scene


def test_proposing_does_nothing(scene: Scene) -> None:
    proposal = scene.dialogue.propose(Turn(), "boil for three")
    assert proposal.decision.route == "command"
    assert proposal.decision.intent == "kettle_on"
    assert proposal.decision.slots == {"minutes": 3}
    assert scene.kettle.requests == []


def test_sentences_do_it(scene: Scene) -> None:
    assert scene.say("boil for three") == "The kettle is on for 3 minutes."
    (request,) = scene.kettle.requests
    assert request.session == "a"
    assert request.now == scene.clock.local()
    assert request.text == "boil for three"


def test_a_turn_that_was_cancelled_before_does_nothing(scene: Scene) -> None:
    turn = Turn()
    proposal = scene.dialogue.propose(turn, "boil for three")
    turn.cancel()
    assert list(proposal.sentences()) == []
    assert scene.kettle.requests == []


def test_a_decision_tells_whether_everything_was_said(scene: Scene) -> None:
    scene.understander.guess("put the kettle off", "kettle_off", 0.9)
    cases = {"boil for three": True, "boil": False, "stop": True, "put the kettle off": False}
    for text, whole in cases.items():
        assert scene.dialogue.propose(Turn(), text).decision.whole is whole, text


@pytest.mark.parametrize(("score", "whole"), [(0.9, True), (0.56, False)])
def test_a_question_was_put_in_whole_where_its_answer_is_known_well(
    tmp_path: Path, score: float, whole: bool
) -> None:
    scene = Scene(tmp_path, knowledge=FakeKnowledge(score=score))
    decision = scene.dialogue.propose(Turn(), "what is the capital of france").decision
    assert (decision.route, decision.whole) == ("knowledge", whole)


def test_two_commands_in_one_sentence(scene: Scene) -> None:
    scene.understander.know("boil three then five", "kettle_on", minutes=3)
    scene.understander.know("boil three then five", "kettle_on", minutes=5)
    reply = scene.say("boil three then five")
    assert reply == "The kettle is on for 3 minutes. The kettle is on for 5 minutes."


def test_what_comes_behind_a_question_waits_for_its_answer(scene: Scene) -> None:
    scene.reader.teach("number", "two", 2)
    scene.understander.know("boil and boil seven", "kettle_on")
    scene.understander.know("boil and boil seven", "kettle_on", minutes=7)
    assert scene.say("boil and boil seven") == "How many?"
    assert scene.say("two") == "The kettle is on for 2 minutes. The kettle is on for 7 minutes."


def test_all_commands_are_done_before_the_first_word(scene: Scene) -> None:
    """A person who breaks in on the first sentence has still had both things done."""
    scene.understander.know("both", "kettle_on", minutes=1)
    scene.understander.know("both", "kettle_on", minutes=2)
    turn = Turn()
    words = scene.dialogue.propose(turn, "both").sentences()
    next(words)
    turn.cancel()
    assert list(words) == []
    assert [request.slots["minutes"] for request in scene.kettle.requests] == [1, 2]


def test_sessions_do_not_mix(scene: Scene) -> None:
    scene.reader.teach("number", "five", 5)
    scene.say("boil", "a")
    assert scene.say("five", "b") == "I don't know."
    assert scene.say("five", "a") == "The kettle is on for 5 minutes."


def test_sessions_do_not_mix_under_threads(scene: Scene) -> None:
    scene.reader.teach("number", "five", 5)
    failures: list[str] = []

    def talk(session: str) -> None:
        for _ in range(20):
            if scene.say_alone("boil", session) != "How many?":
                failures.append(session)
            if scene.say_alone("five", session) != "The kettle is on for 5 minutes.":
                failures.append(session)

    def say_alone(text: str, session: str) -> str:
        turn = Turn(session)
        words = [s.text for s in scene.dialogue.propose(turn, text).sentences()]
        scene.dialogue.heard(turn, " ".join(words))
        return " ".join(words)

    scene.say_alone = say_alone  # type: ignore[attr-defined]
    threads = [threading.Thread(target=talk, args=(f"s{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []


def test_cancel_calls_off_what_was_just_done(scene: Scene) -> None:
    scene.kettle.outcome = Outcome(
        "kettle.off", topic=Topic("kettle", {"minutes": 9}, {"cancel": "kettle_on"})
    )
    scene.say("boil for three")
    scene.kettle.outcome = None
    assert scene.say("cancel") == "The kettle is on for 9 minutes."


def test_cancel_with_nothing_to_call_off(scene: Scene) -> None:
    scene.kettle.outcome = Outcome("kettle.off", topic=NOTHING)
    scene.say("boil for three")
    assert scene.say("cancel") == "OK."


def test_stop_silences_what_rings(scene: Scene) -> None:
    scene.store.promises.add_timer(10)
    scene.clock.go(10)
    assert [one.text for one in scene.dialogue.scheduler.due()] == ["Time is up."]
    assert scene.say("stop") == "Quiet now."
    assert scene.dialogue.scheduler.ringing() == []
    assert scene.say("stop") == "OK."


def test_correction_changes_what_was_set(scene: Scene) -> None:
    scene.understander.know("no four", "correct", number=4)
    topic = Topic("kettle", {"id": 1})
    scene.kettle.outcome = Outcome("kettle.off", topic=topic)
    scene.say("boil for three")
    scene.say("no four")
    assert scene.kettle.requests[-1].slots == {"minutes": 4}
    assert scene.kettle.requests[-1].corrects == topic


def test_correction_of_nothing(scene: Scene) -> None:
    scene.understander.know("no four", "correct", number=4)
    assert scene.say("no four") == "I don't know."
    reasons = [rung.reason for rung in scene.proposal.decision.rungs if rung.rung == "template"]
    assert reasons == ["nothing was done that it could put right"]


def test_a_topic_grows_old(scene: Scene) -> None:
    scene.understander.know("no four", "correct", number=4)
    scene.say("boil for three")
    scene.clock.go(301)
    assert scene.say("no four") == "I don't know."


def test_follow_up_asks_the_same_about_something_else(scene: Scene) -> None:
    scene.understander.know("what about eight", "follow_up", text="8")
    scene.say("boil for three")
    assert scene.say("what about eight") == "The kettle is on for 8.0 minutes."


def test_a_persons_own_intents_are_understood_but_not_acted_on(scene: Scene) -> None:
    scene.understander.know("one espresso", "order_coffee", size="small")
    assert scene.say("one espresso") == "Understood order coffee with ['size small']."
    assert scene.proposal.decision.intent == "order_coffee"
    assert scene.proposal.decision.slots == {"size": "small"}


def test_paraphrases_go_through_the_classifier(scene: Scene) -> None:
    scene.understander.guess("make tea", "kettle_on", 0.8, minutes=4)
    assert scene.say("make tea") == "The kettle is on for 4 minutes."
    scene.understander.guess("make coffee", "kettle_on", 0.5, minutes=4)
    assert scene.say("make coffee") == "I don't know."
    scene.understander.guess("make war", "unknown_intent", 0.99)
    assert scene.say("make war") == "I don't know."


def test_text_that_is_no_command_for_its_length(scene: Scene) -> None:
    scene.understander.know("x" * 500, "kettle_on", minutes=1)
    assert scene.say("x" * 500) == "I don't know."


def test_empty_text(scene: Scene) -> None:
    assert scene.say("  \n ") == "I heard nothing."
    assert scene.proposal.decision.route == "repair"


def test_fixed_answers_come_before_everything(tmp_path: Path) -> None:
    scene = Scene(tmp_path, guard=FakeGuard())
    scene.understander.know("there is a fire", "kettle_on", minutes=1)
    assert scene.say("there is a fire") == "Call 112."
    assert scene.kettle.requests == []


def test_a_skill_that_raises(scene: Scene) -> None:
    scene.kettle.fails = RuntimeError("burnt")
    assert scene.say("boil for three") == "That failed."
    assert scene.proposal.decision.route == "repair"
    assert "kettle" in scene.proposal.decision.failure
    scene.kettle.fails = None
    assert scene.say("boil for three") == "The kettle is on for 3 minutes."


def test_a_full_disk_is_told_honestly(scene: Scene) -> None:
    scene.kettle.fails = StoreError("disk full")
    assert scene.say("boil for three") == "I can't write."


def test_understanding_that_fails_leaves_the_rest(tmp_path: Path) -> None:
    scene = Scene(tmp_path, talker=FakeTalker(["Still here."]))
    scene.understander.fails = EngineError("no model")
    assert scene.say("hello") == "Still here."


def test_without_any_engine_it_says_so(tmp_path: Path) -> None:
    assert Scene(tmp_path).say("anything") == "I don't know."


def test_the_words_of_the_household_reach_understanding(scene: Scene) -> None:
    scene.store.promises.add_timer(60, "pasta")
    scene.store.lists.create("packing")
    scene.say("boil")
    assert scene.understander.contexts[-1].lists["timer_name"] == ["pasta"]
    assert scene.understander.contexts[-1].lists["list_name"] == ["packing"]


def test_each_turn_has_its_own_sentence_indices(scene: Scene) -> None:
    scene.understander.know("both", "kettle_on", minutes=1)
    scene.understander.know("both", "kettle_on", minutes=2)
    indices = [s.index for s in scene.dialogue.propose(Turn(), "both").sentences()]
    assert indices == [0, 1]
