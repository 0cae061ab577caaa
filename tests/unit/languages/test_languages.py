"""A language is a folder: each has all that English has, and what it says it understands."""

from __future__ import annotations

import string
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
import yaml

import edgebot
from edgebot.core.nlu import NluContext
from edgebot.dialogue import wording
from edgebot.dialogue.build import load_replies
from edgebot.dialogue.intents import state_of
from edgebot.dialogue.replies import Replies
from edgebot.dialogue.words import words_of
from edgebot.nlu import slots
from edgebot.nlu.language import language_data, languages
from edgebot.nlu.sentence_files import own_sentences
from edgebot.nlu.understander import TemplateUnderstander

PACKAGE = Path(edgebot.__file__).parent
NOW = datetime(2026, 3, 27, 18, 0, tzinfo=ZoneInfo("Europe/Berlin"))
OTHERS = [language for language in languages() if language != "en"]
UNDERSTANDERS = {
    language: TemplateUnderstander(own_sentences(language)) for language in languages()
}


def test_every_language_has_every_part() -> None:
    assert OTHERS, "a second language proves that English hides nowhere"
    for folder in ("dialogue/replies", "dialogue/words", "dialogue/wording", "nlu/slots/data"):
        files = {file.stem for file in (PACKAGE / folder).glob("*.yaml")}
        assert files == set(languages()), folder


@pytest.mark.parametrize("language", OTHERS)
def test_the_same_intents_and_states_can_be_said(language: str) -> None:
    english, other = own_sentences("en"), own_sentences(language)
    assert set(other.intents) == set(english.intents)
    assert other.states == english.states
    assert set(other.help) == set(english.help)


@pytest.mark.parametrize("language", OTHERS)
def test_the_same_slots_can_be_filled(language: str) -> None:
    def filled(of: str) -> dict[str, set[str]]:
        found: dict[str, set[str]] = {}
        for template in own_sentences(of).templates:
            found.setdefault(template.intent, set()).update(template.slots)
            fixed = getattr(template.block, "slots", None) or {}
            found[template.intent].update(fixed)
        return found

    english, other = filled("en"), filled(language)
    for intent, names in english.items():
        assert other[intent] >= names - OPTIONAL.get(intent, set()), intent


OPTIONAL = {"thanks": {"for_what"}}
"""Slots that a language may leave out: nothing is lost without them."""


def _fields(replies: Replies, key: str) -> set[str]:
    parsed = (string.Formatter().parse(variant) for variant in replies.variants(key))
    return {name for fields in parsed for _, name, _, _ in fields if name}


@pytest.mark.parametrize("language", OTHERS)
def test_the_same_things_are_replied(language: str) -> None:
    english, other = load_replies("en"), load_replies(language)
    assert other.keys == english.keys
    for key in english.keys:
        assert _fields(other, key) <= _fields(english, key), key


@pytest.mark.parametrize("language", OTHERS)
def test_replies_are_not_left_in_english(language: str) -> None:
    english, other = load_replies("en"), load_replies(language)
    same = [
        key
        for key in english.keys
        for variant in set(english.variants(key)) & set(other.variants(key))
        if any(char.isalpha() for char in _literal(variant))
    ]
    assert not same


def _literal(template: str) -> str:
    return "".join(text for text, _, _, _ in string.Formatter().parse(template))


@pytest.mark.parametrize("language", OTHERS)
def test_the_words_of_skills_have_the_same_tables(language: str) -> None:
    english, other = words_of("en"), words_of(language)
    assert other.keys() == english.keys()
    assert other["operators"].keys() == english["operators"].keys()
    zones = set(english["places"]) - set(other["places"])
    assert len(zones) < 12, zones


@pytest.mark.parametrize("language", OTHERS)
def test_wording_has_the_same_tables(language: str) -> None:
    english, other = (
        yaml.safe_load((PACKAGE / "dialogue" / "wording" / f"{code}.yaml").read_text("utf-8"))
        for code in ("en", language)
    )
    assert other["units"].keys() == english["units"].keys()
    for part in ("durations", "dates", "recurrences", "times", "lists"):
        assert other[part].keys() == english[part].keys(), part
    assert wording.words_of(language).keys() == wording.words_of("en").keys()


@pytest.mark.parametrize("language", OTHERS)
def test_slots_know_the_same_units(language: str) -> None:
    english, other = slots.tables.tables_of("en"), slots.tables.tables_of(language)

    def units(of: slots.tables.Tables) -> set[str]:
        return {unit for entries in of.units.values() for _, unit in entries}

    assert units(other) == units(english)


HELP = [
    (language, intent, sentence)
    for language in languages()
    for intent, sentences in own_sentences(language).help.items()
    for sentence in sentences
]


@pytest.mark.parametrize(("language", "intent", "sentence"), HELP)
def test_what_the_help_says_is_understood(language: str, intent: str, sentence: str) -> None:
    state = state_of("moment") if intent == "answer" else ""
    parses = UNDERSTANDERS[language].match(sentence, NluContext(state=state, now=NOW))
    assert [parse.intent for parse in parses] == [intent]


EXAMPLES = [
    (language, kind, said)
    for language in languages()
    for kind, examples in language_data(language).examples.items()
    for said in examples
    if not set(said) & set("{}()[]|")
]


@pytest.mark.parametrize(("language", "kind", "said"), EXAMPLES)
def test_examples_of_values_are_read(language: str, kind: str, said: str) -> None:
    assert slots.read(kind, said, language, NOW) is not None
