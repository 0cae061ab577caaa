"""What the phrases that can be said tell about the words so far."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgebot.runtime.endings import Endings

PHRASES = (
    "set a timer for ten minutes",
    "set a timer for one hour",
    "set a timer",
    "what time is it",
    "what time is it in paris",
    *(f"a small latte with {milk} milk" for milk in ("oat", "soy", "skim")),
    *(f"can i get a dark roast {drink}" for drink in map(str, range(30))),
    "dark roast",
)


@pytest.mark.parametrize(
    "words", ["set a timer for", "Set a", "set", "what time is", "a small latte with oat", "can i"]
)
def test_words_that_only_begin_something(words: str) -> None:
    assert Endings(PHRASES).begins(words)


@pytest.mark.parametrize(
    "words",
    ["set a timer", "what time is it", "set a timer for one hour", "what time is it in paris"],
)
def test_words_that_may_be_all(words: str) -> None:
    assert not Endings(PHRASES).begins(words)


def test_a_value_that_is_a_phrase_too_hardly_counts_as_an_end() -> None:
    assert Endings(PHRASES).begins("can i get a dark roast")


@pytest.mark.parametrize(
    "words", ["", "tell me something nice", "a timer set for", "set small", "it"]
)
def test_words_that_stand_so_in_no_phrase_may_be_anything(words: str) -> None:
    assert not Endings(PHRASES).begins(words)


@given(st.text(max_size=60), st.lists(st.text(max_size=20), max_size=8))
def test_any_words_and_phrases_are_borne(words: str, phrases: list[str]) -> None:
    assert Endings(phrases).begins(words) in (True, False)
