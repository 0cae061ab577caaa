"""What of an old state serves a new prompt, and what is left out when the context is full."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgebot.core.errors import EngineError
from edgebot.core.language import Message
from edgebot.nlg.reuse import Reuse, plan_reuse
from edgebot.nlg.window import fit

SYSTEM = list(range(40))
FIRST = list(range(100, 150))
SECOND = list(range(200, 260))
THIRD = list(range(300, 320))


def test_what_both_begin_with_stays() -> None:
    assert plan_reuse(SYSTEM + FIRST, SYSTEM + SECOND) == Reuse(40)


def test_the_last_token_is_always_computed() -> None:
    assert plan_reuse(SYSTEM, SYSTEM) == Reuse(39)


def test_what_follows_dropped_turns_is_moved() -> None:
    plan = plan_reuse(SYSTEM + FIRST + SECOND, SYSTEM + SECOND + THIRD)
    assert plan == Reuse(keep=40, gap=50, moved=60)
    assert plan.total == 100


def test_a_short_match_is_not_worth_moving() -> None:
    assert plan_reuse(SYSTEM + FIRST + THIRD, SYSTEM + THIRD + SECOND) == Reuse(40)


@given(
    st.lists(st.integers(0, 3), max_size=120), st.lists(st.integers(0, 3), min_size=1, max_size=120)
)
def test_a_plan_always_gives_the_front_of_the_prompt(state: list[int], prompt: list[int]) -> None:
    plan = plan_reuse(state, prompt)
    after = state[: plan.keep] + state[plan.keep + plan.gap :]
    assert after[: plan.total] == prompt[: plan.total]
    assert plan.total < len(prompt)


def encode(messages: Sequence[Message]) -> list[int]:
    """One token a character and two a message."""
    return [ord(letter) for message in messages for letter in f"<{message.content}>"]


def talk(*texts: str) -> list[Message]:
    roles = ("user", "assistant")
    return [Message("system", "rules")] + [
        Message(roles[at % 2], text)
        for at, text in enumerate(texts)  # type: ignore[arg-type]
    ]


def test_everything_stays_while_it_fits() -> None:
    fitted = fit(talk("a", "b", "c"), 100, encode)
    assert (fitted.dropped, fitted.shortened) == (0, False)


def test_the_oldest_turn_goes_first_and_whole() -> None:
    messages = talk("first question", "first answer", "second", "second answer", "third")
    fitted = fit(messages, 40, encode)
    assert fitted.dropped == 2
    assert "".join(map(chr, fitted.tokens)) == "<rules><second><second answer><third>"


def test_the_rules_stay_and_a_long_question_loses_its_middle() -> None:
    fitted = fit(talk("old", "old answer", "begin " + "x" * 100_000 + " end"), 60, encode)
    text = "".join(map(chr, fitted.tokens))
    assert fitted.shortened
    assert len(fitted.tokens) <= 60
    assert text.startswith("<rules><begin")
    assert text.endswith("end>")


def test_rules_that_do_not_fit_are_an_error() -> None:
    with pytest.raises(EngineError, match="rules"):
        fit([Message("system", "r" * 100), Message("user", "hi")], 50, encode)


@given(st.lists(st.text("abc ", max_size=30), min_size=1, max_size=9), st.integers(80, 200))
def test_a_fit_never_exceeds_its_room(texts: list[str], room: int) -> None:
    assert len(fit(talk(*texts), room, encode).tokens) <= room
