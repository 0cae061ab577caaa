"""The whole ladder with the real understanding, knowledge and language model."""

from __future__ import annotations

import pytest

from edgebot.core.dialogue import Decision
from edgebot.core.turn import Turn
from edgebot.runtime.wiring import Assembly

pytestmark = pytest.mark.engines


def say(assembly: Assembly, text: str, session: str = "ladder") -> tuple[str, Decision]:
    dialogue = assembly.dialogue()
    turn = Turn(session)
    proposal = dialogue.propose(turn, text)
    reply = " ".join(sentence.text for sentence in proposal.sentences())
    dialogue.heard(turn, reply)
    return reply, proposal.decision


def test_a_command_needs_no_model(assembly: Assembly) -> None:
    reply, decision = say(assembly, "set a pasta timer for eight minutes")
    assert decision.route == "command"
    assert decision.intent == "timer_set"
    assert dict(decision.slots) == {"timer_name": "pasta", "duration": 480}
    assert "eight minutes" in reply.casefold()
    assert [rung.rung for rung in decision.rungs][-1] == "template"


def test_two_commands_and_what_follows(assembly: Assembly) -> None:
    say(assembly, "add eggs and milk to the shopping list and set a tea timer for four minutes")
    reply, _ = say(assembly, "what is on my shopping list")
    assert "eggs and milk" in reply
    reply, _ = say(assembly, "cancel the tea timer")
    assert "tea timer" in reply.casefold()


def test_the_language_model_talks_when_nobody_else_knows(assembly: Assembly) -> None:
    reply, decision = say(assembly, "tell me a short story about a brave little robot")
    assert decision.route == "llm"
    assert len(reply.split()) > 3
    declined = {rung.rung for rung in decision.rungs if rung.score is None}
    assert {"stop", "dialogue", "template"} <= declined


def test_sessions_have_their_own_questions(assembly: Assembly) -> None:
    _, decision = say(assembly, "set a timer", "one")
    assert decision.expects_answer
    assert assembly.dialogue().context("one").state == "ask_duration"
    assert assembly.dialogue().context("two").state == ""
    _, decision = say(assembly, "five minutes", "one")
    assert decision.intent == "timer_set"
    assert not decision.expects_answer


def test_a_cancelled_turn_stays_quiet_and_the_next_one_works(assembly: Assembly) -> None:
    turn = Turn("ladder")
    words = assembly.dialogue().propose(turn, "tell me a long story").sentences()
    next(words)
    turn.cancel()
    assert list(words) == []
    reply, _ = say(assembly, "flip a coin")
    assert reply.rstrip(".").split()[-1].casefold() in ("heads", "tails")
