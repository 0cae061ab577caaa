"""Text in the forms it is matched in."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgebot.nlu.language import LanguageData, language_data
from edgebot.nlu.spoken import (
    clean,
    plain,
    variants,
    without_padding,
    write_out_template,
    written_out,
)

EN = language_data("en")


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        ("Set a timer, please!", "Set a timer please"),
        ("What’s the time?", "What's the time"),
        ("  wake\tme at\n7:30 a.m. ", "wake me at 7:30 am"),
        ("“add eggs”", "add eggs"),
        ("it is -5 degrees", "it is -5 degrees"),
        ("1,000.50 miles", "1,000.50 miles"),
        ("\u202eabc\x00\x1b[0m def", "abc 0m def"),
        ("ﬁve", "ﬁve"),
        ("?!", ""),
        ("", ""),
    ],
)
def test_clean_leaves_words(typed: str, words: str) -> None:
    assert clean(typed).text == words


@given(st.text(max_size=300))
def test_clean_takes_anything_and_knows_where_words_came_from(text: str) -> None:
    spoken = clean(text)
    for word in spoken.words:
        assert 0 <= word.start < word.end <= len(text)
        assert word.text
    assert not any(word.text != word.text.strip() for word in spoken.words)
    assert clean(spoken.text).text == spoken.text


def test_source_is_what_was_written() -> None:
    spoken = clean("Add “Kiwi-42”, and MILK!")
    start = spoken.text.index("Kiwi")
    assert spoken.source(start, start + len("Kiwi-42 and MILK")) == "Kiwi-42”, and MILK"
    assert spoken.source(5, 5) == ""


@pytest.mark.parametrize(
    ("said", "bare"),
    [
        ("please set a timer", "set a timer"),
        ("um can you uh please set a timer thank you", "set a timer"),
        ("hey could you sing a song for me please", "sing a song"),
        ("remind me to say thank you", "remind me to say thank you"),
        ("please", "please"),
        ("um", "um"),
    ],
)
def test_courtesies_go_but_never_everything(said: str, bare: str) -> None:
    assert without_padding(clean(said), EN).text == bare


@pytest.mark.parametrize(
    ("said", "written"),
    [
        ("what's 5+3", "what is 5 plus 3"),
        ("10 - 4", "10 minus 4"),
        ("10-4", "10 minus 4"),
        ("20% of 50", "20 percent of 50"),
        ("6x7", "6 times 7"),
        ("mary-ann's x-ray box", "mary-ann's x-ray box"),
        ("I don't", "I do not"),
    ],
)
def test_contractions_and_signs_are_written_out(said: str, written: str) -> None:
    assert written_out(clean(said), EN).text == written


def test_variants_begin_with_what_was_said_and_do_not_repeat() -> None:
    texts = [variant.text for variant in variants(clean("please what's the time"), EN)]
    assert texts == ["please what's the time", "what's the time", "what is the time"]
    assert [variant.text for variant in variants(clean("stop"), EN)] == ["stop"]


def test_templates_are_written_out_but_slots_and_rules_keep_their_names() -> None:
    data = LanguageData("en", rewrites={"what's": "what is", "it": "that"})
    template = "(what's|whats) [it] {it} <it>"
    assert write_out_template(template, data) == "(what is|whats) [that] {it} <it>"


def test_plain_is_what_the_classifier_sees() -> None:
    assert plain("Hey, what's 5% of 3?", EN) == "what is 5 percent of 3"


def test_an_unknown_language_has_no_courtesies() -> None:
    assert without_padding(clean("please stop"), language_data("xx")).text == "please stop"
