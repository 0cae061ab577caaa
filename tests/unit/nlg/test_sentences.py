"""Sentences are cut where they end, as early as that is certain, however the text arrives."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgebot.nlg.sentences import SentenceStream, split_sentences

CASES = [
    ("Hello there. How are you? Fine!", ["Hello there.", "How are you?", "Fine!"]),
    (
        "Dr. Smith has 2.5 cats, e.g. Tom. He left.",
        ["Dr. Smith has 2.5 cats, e.g. Tom.", "He left."],
    ),
    ("It opens at 5 p.m. Bring a coat.", ["It opens at 5 p.m.", "Bring a coat."]),
    ("At 6 a.m. we eat. Good.", ["At 6 a.m. we eat.", "Good."]),
    ("J. R. R. Tolkien wrote it. Read it.", ["J. R. R. Tolkien wrote it.", "Read it."]),
    (
        "No. 5 is alive. The answer is no. Then go.",
        ["No. 5 is alive.", "The answer is no.", "Then go."],
    ),
    ("He left... slowly. Then came back.", ["He left... slowly.", "Then came back."]),
    ("1. Take an egg.\n2. Boil it.\n", ["1. Take an egg.", "2. Boil it."]),
    ("今天天气很好。你好吗？", ["今天天气很好。", "你好吗？"]),
    ('She said "Go!" and went. Bye.', ['She said "Go!" and went.', "Bye."]),
    ("Visit https://example.org/a.b now. Done.", ["Visit https://example.org/a.b now.", "Done."]),
    ("First line\nsecond line", ["First line", "second line"]),
    ("", []),
    ("   \n \n", []),
    ("no end at all", ["no end at all"]),
]


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_cuts_where_sentences_end(text: str, expected: list[str]) -> None:
    assert list(split_sentences([text])) == expected


@pytest.mark.parametrize(("text", "expected"), CASES)
def test_the_size_of_the_pieces_does_not_matter(text: str, expected: list[str]) -> None:
    assert list(split_sentences(list(text))) == expected


def test_german_ordinals_end_no_sentence() -> None:
    text = "Am 3. Mai kommt z.B. Herr Meyer. Gut."
    assert list(split_sentences([text], "de")) == ["Am 3. Mai kommt z.B. Herr Meyer.", "Gut."]


def test_a_sentence_comes_with_the_first_letter_of_the_next() -> None:
    stream = SentenceStream()
    assert stream.feed("It rains.") == []
    assert stream.feed(" ") == []
    assert stream.feed("T") == ["It rains."]


def test_a_sentence_without_an_end_is_cut_at_a_comma() -> None:
    stream = SentenceStream()
    cut = stream.feed("and so on, " * 100)
    assert len(cut) >= 2
    assert all(len(sentence) <= 400 and sentence.endswith(",") for sentence in cut)


@given(st.lists(st.text(alphabet=st.characters(codec="utf-8"), max_size=12), max_size=40))
def test_no_letter_is_lost(pieces: list[str]) -> None:
    together = "".join("".join(split_sentences(pieces)).split())
    assert together == "".join("".join(pieces).split())


def test_a_first_clause_comes_before_its_sentence_has_ended() -> None:
    stream = SentenceStream(first_clause=True)
    text = "Elephants are very large animals, and they live long. They eat 1,000 leaves, and bark."
    given = [sentence for letter in text for sentence in stream.feed(letter)] + stream.finish()
    assert given == [
        "Elephants are very large animals,",
        "and they live long.",
        "They eat 1,000 leaves, and bark.",
    ]


def test_two_words_before_a_comma_are_a_clause() -> None:
    stream = SentenceStream(first_clause=True)
    given = [one for letter in "I'm sorry, I cannot see it. No." for one in stream.feed(letter)]
    assert given == ["I'm sorry,", "I cannot see it."]


def test_one_word_or_figures_are_no_clause() -> None:
    for text in ("Well, that is all there is.", "It costs about some 1,200 euros. Yes."):
        stream = SentenceStream(first_clause=True)
        given = [sentence for letter in text for sentence in stream.feed(letter)] + stream.finish()
        assert not given[0].endswith(",")
