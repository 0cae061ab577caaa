"""Whole turns over fakes: decisions, questions, history, failures."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from edgebot.core.errors import EngineError, StoreError
from edgebot.core.language import Message, Ungrounded
from edgebot.core.turn import Turn
from edgebot.dialogue.build import Limits
from edgebot.dialogue.skill import NOTHING, Option, Outcome, Question, Topic
from tests.unit.dialogue.fakes import FakeGuard, FakeKnowledge, FakeTalker, Scene


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    made = Scene(tmp_path)
    made.understander.know("boil for three", "kettle_on", minutes=3)
    made.understander.know("boil", "kettle_on")
    made.understander.know("kettle off", "kettle_off")
    made.understander.know("stop", "stop")
    made.understander.know("cancel", "cancel")
    made.understander.know("never mind", "never_mind")
    return made


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
