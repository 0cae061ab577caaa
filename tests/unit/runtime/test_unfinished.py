"""What the last words tell about whether somebody is done."""

from __future__ import annotations

import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgebot.nlu.sampler import NoExample, Sampler
from edgebot.nlu.sentence_files import own_sentences
from edgebot.runtime.unfinished import dangles


@pytest.mark.parametrize(
    "words",
    ["turn on the", "set a timer for", "put milk and", "can i get", "Turn On", "what is", "add"],
)
def test_more_is_to_come(words: str) -> None:
    assert dangles(words, "en")


@pytest.mark.parametrize(
    "words",
    [
        "turn the light on",
        "what is it for",
        "where are you from",
        "stop",
        "what time is it",
        "",
        " ",
    ],
)
def test_this_may_be_all(words: str) -> None:
    assert not dangles(words, "en")


def test_german() -> None:
    assert dangles("stell einen timer für", "de") and dangles("mach die", "de")
    assert not dangles("mach das fenster auf", "de")
    assert not dangles("weißt du wie spät es ist", "de")


def test_an_unknown_language_is_left_to_the_ear() -> None:
    assert not dangles("turn on the", "xx")


@given(st.text())
def test_any_text_will_do(words: str) -> None:
    assert dangles(words, "en") in (True, False)


@pytest.mark.parametrize("language", ["en", "de"])
def test_hardly_any_whole_sentence_of_ours_dangles(language: str) -> None:
    """What the built-in templates say is what a person may end with; odd fillings of free slots
    ("freeze the") are let go."""
    sentences = own_sentences(language)
    sampler = Sampler(sentences, seed=5)
    said: list[str] = []
    for template in sentences.templates:
        with contextlib.suppress(NoExample):
            said += [sampler.sample(template) for _ in range(2)]
    wrong = [text for text in said if dangles(text, language)]
    assert len(wrong) < 0.005 * len(said), wrong
