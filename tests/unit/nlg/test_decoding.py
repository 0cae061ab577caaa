"""Bytes become text without torn letters, stop texts are kept back, loops are noticed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgebot.nlg.decoding import LoopWatch, TextStream


def test_letters_across_tokens_stay_whole() -> None:
    stream = TextStream()
    raw = "Grüße 😀".encode()
    assert "".join(stream.feed(raw[at : at + 1]) for at in range(len(raw))) == "Grüße 😀"
    assert stream.finish() == ""


def test_a_torn_letter_at_the_end_is_marked() -> None:
    stream = TextStream()
    assert stream.feed("ü".encode()[:1]) == ""
    assert stream.finish() == "\ufffd"


def test_a_stop_text_ends_the_reply_and_is_no_part_of_it() -> None:
    stream = TextStream(("\nUser:",))
    assert stream.feed(b"Yes.\nUs") == "Yes."
    assert stream.feed(b"er: more") == ""
    assert stream.stopped
    assert stream.finish() == ""


def test_what_only_began_like_a_stop_text_is_given_out() -> None:
    stream = TextStream(("STOP",))
    assert stream.feed(b"a ST") == "a "
    assert stream.feed(b"ART") == "START"
    assert stream.feed(b" S") == " "
    assert stream.finish() == "S"


@given(st.text(max_size=60), st.integers(1, 5))
def test_without_stop_texts_nothing_is_lost(text: str, size: int) -> None:
    raw = text.encode("utf-8", errors="replace")
    stream = TextStream()
    out = "".join(stream.feed(raw[at : at + size]) for at in range(0, len(raw), size))
    assert out + stream.finish() == raw.decode()


@pytest.mark.parametrize(
    ("tokens", "loops"),
    [
        ([1] * 12, True),
        ([1] * 11, False),
        ([1, 2, 3] * 4, True),
        ([1, 2, 3] * 3, False),
        (list(range(24)) * 4, True),
        (list(range(90)), False),
        ([9, 8, 7] + [5, 6] * 6, True),
    ],
)
def test_loops(tokens: list[int], loops: bool) -> None:
    watch = LoopWatch()
    noticed = [watch.loops(token) for token in tokens]
    assert (True in noticed) is loops
