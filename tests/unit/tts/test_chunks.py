from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edgebot.tts.chunks import LONGEST_CHARS, chunks


def test_the_first_clause_of_a_long_sentence_comes_alone() -> None:
    text = "Well of course, that depends on what you would like to do with it. Tell me more."
    assert list(chunks(text)) == [
        "Well of course,",
        "that depends on what you would like to do with it.",
        "Tell me more.",
    ]


def test_nobody_waits_for_the_end_of_a_sentence_that_begins_with_a_clause() -> None:
    assert list(chunks("I'm sorry, I couldn't find the words.")) == [
        "I'm sorry,",
        "I couldn't find the words.",
    ]


def test_a_short_sentence_stays_whole() -> None:
    assert list(chunks("Yes, of course. It is three.")) == ["Yes, of course.", "It is three."]


def test_nothing_gives_nothing() -> None:
    assert list(chunks(" \n ")) == []


@given(st.text(alphabet="ab ,.;!?", max_size=2000))
def test_no_word_is_lost_and_no_piece_too_long(text: str) -> None:
    pieces = list(chunks(text))
    assert all(0 < len(piece) <= LONGEST_CHARS for piece in pieces)
    assert "".join("".join(pieces).split()) == "".join(text.split())
