"""Sentences drawn from templates, the speech grammar and the help that come from them."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from edgebot.core.nlu import NluContext
from edgebot.nlu.checking import Checker
from edgebot.nlu.sampler import NoExample, Sampler, in_words
from edgebot.nlu.sentence_files import own_sentences
from edgebot.nlu.speech_grammar import SpeechGrammar
from edgebot.nlu.spoken_help import spoken_help
from edgebot.nlu.templates import SentenceSet
from edgebot.nlu.understander import TemplateUnderstander

Maker = Callable[[str], SentenceSet]


def test_samples_are_understood_as_what_they_were_drawn_from(
    household: SentenceSet, context: NluContext
) -> None:
    understander, sampler = TemplateUnderstander(household), Sampler(household, seed=3)
    for template in household.templates:
        for _ in range(12):
            text = sampler.sample(template)
            state = next(iter(template.states), "")
            parses = understander.match(text, replace(context, state=state))
            assert template.intent in {parse.intent for parse in parses}, text


def test_the_same_seed_draws_the_same(household: SentenceSet) -> None:
    def draw(seed: int) -> list[str]:
        sampler = Sampler(household, seed)
        return [sampler.sample(template) for template in household.templates]

    assert draw(1) == draw(1) != draw(2)


def test_a_slot_without_example_is_named(sentences_of: Maker) -> None:
    sentences = sentences_of(
        """
        language: xx
        intents: {go: {data: [{sentences: ["go to {name}"]}]}}
        """
    )
    with pytest.raises(NoExample, match="name"):
        Sampler(sentences).sample(sentences.templates[0])


@pytest.mark.parametrize(
    ("number", "language", "words"),
    [(42, "en", "forty two"), (100, "en", "one hundred"), (21, "de", "einundzwanzig")],
)
def test_numbers_are_said_in_words(number: int, language: str, words: str) -> None:
    assert in_words(number, language) == words


def pairs(phrases: tuple[str, ...]) -> set[tuple[str, str]]:
    return {pair for phrase in phrases for pair in itertools.pairwise(["", *phrase.split(), ""])}


def test_the_grammar_holds_nearly_every_pair_of_words_that_can_be_said(
    household: SentenceSet,
) -> None:
    grammar = tuple(SpeechGrammar(household).phrases(NluContext()))
    known = pairs(grammar)
    sampler = Sampler(household, seed=99)
    drawn = [sampler.sample(t) for t in household.templates if not t.states for _ in range(30)]
    said = [pair for text in drawn for pair in pairs((text.replace("'s", " is").lower(),))]
    assert sum(pair in known for pair in said) / len(said) > 0.9
    words = {word for phrase in grammar for word in phrase.split()}
    assert {word for text in drawn for word in text.replace("'s", " is").split()} <= words


def test_the_grammar_is_what_recognisers_write(household: SentenceSet) -> None:
    for phrase in SpeechGrammar(household).phrases(NluContext()):
        assert phrase == phrase.lower().strip()
        assert not set(phrase) & set("0123456789{}[]()<>|%,.?!")
    phrases = SpeechGrammar(household).phrases(NluContext())
    assert any("what's" in phrase for phrase in phrases)
    assert any("what is" in phrase for phrase in phrases)


def test_the_state_and_the_household_choose_the_grammar(household: SentenceSet) -> None:
    grammar = SpeechGrammar(household)
    without = set(grammar.phrases(NluContext()))
    asked = set(grammar.phrases(NluContext(state="ask_duration")))
    assert any(phrase in asked for phrase in ("half an hour", "an hour and a half"))
    named = set(grammar.phrases(NluContext(lists={"timer_name": ["Bœuf & Co"]})))
    assert "bœuf and co" in named - without


def test_the_grammar_is_kept_until_the_sentences_change(
    household: SentenceSet, tmp_path: Path
) -> None:
    first = SpeechGrammar(household, tmp_path).phrases(NluContext())
    kept = list(tmp_path.iterdir())
    assert len(kept) == 1
    kept[0].write_text("as kept", encoding="utf-8")
    assert list(SpeechGrammar(household, tmp_path).phrases(NluContext())) == ["as kept"]
    own = tmp_path / "own"
    assert list(SpeechGrammar(household, own, tmp_path).phrases(NluContext())) == ["as kept"]
    assert not own.exists()
    kept[0].unlink()
    assert SpeechGrammar(household, tmp_path).phrases(NluContext()) == first


def test_help_shows_each_intent_that_can_be_said_at_once(
    household: SentenceSet, sentences_of: Maker
) -> None:
    shown = spoken_help(household)
    assert set(shown) == set(household.intents)
    assert all(1 <= len(said) <= 2 for said in shown.values())
    own = sentences_of(
        """
        language: en
        intents:
          go: {data: [{sentences: ["go [very] [far] away"]}]}
          agree: {data: [{sentences: ["yes"], requires_context: {state: ask}}]}
        help: {go: ["go away"]}
        """
    )
    assert spoken_help(own) == {"go": ("go away",)}


def findings(sentences: SentenceSet, now: datetime) -> list[str]:
    checker = Checker(sentences, now)
    return [str(each) for template in sentences.templates for each in checker.check(template)]


def test_ambiguous_and_unreachable_templates_are_reported(
    sentences_of: Maker, now: datetime
) -> None:
    sentences = sentences_of(
        """\
        language: en
        intents:
          one: {data: [{sentences: ["go home", "(run|walk) [home]"]}]}
          two:
            data:
              - sentences:
                  - "go home"
                  - "walk"
                  - "{place}"
        lists: {place: {values: [rome, bonn]}}
        """
    )
    found = findings(sentences, now)
    assert any("mine.yaml:7: 'go home' (two) is unreachable" in each for each in found), found
    assert any("mine.yaml:3: ambiguous: 'walk' is one" in each for each in found), found
    assert not any("mine.yaml:9" in each for each in found)


def test_a_template_that_is_deaf_to_its_own_words_is_reported(
    sentences_of: Maker, now: datetime
) -> None:
    sentences = sentences_of(
        """\
        language: en
        intents: {set: {data: [{sentences: ["wait {time}"]}]}}
        slot_kinds: {time: duration}
        slot_examples: {time: [bananas]}
        """
    )
    assert "does not match a sentence of its own: 'wait bananas'" in findings(sentences, now)[0]


def test_sound_sentences_have_no_findings(household: SentenceSet, now: datetime) -> None:
    ambiguous = [each for each in findings(household, now) if "deaf" in each or "example" in each]
    assert ambiguous == []


@pytest.mark.parametrize("language", ["en", "de"])
def test_our_own_samples_are_understood(language: str, now: datetime) -> None:
    sentences = own_sentences(language)
    understander, sampler = TemplateUnderstander(sentences), Sampler(sentences, seed=5)
    templates = [template for template in sentences.templates if not template.states][::4]
    wrong = []
    for template in templates:
        text = sampler.sample(template)
        parses = understander.match(text, NluContext(now=now))
        if template.intent not in {parse.intent for parse in parses}:
            wrong.append((text, template.where))
    assert len(wrong) <= 0.03 * len(templates), wrong
