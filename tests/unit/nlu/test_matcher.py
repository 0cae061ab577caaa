"""One command against the templates: slots, states, the household's own names, ranks."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from typing import Any

import pytest

from edgebot.core.nlu import NluContext, Parse
from edgebot.nlu.templates import SentenceSet
from edgebot.nlu.understander import TemplateUnderstander

Maker = Callable[[str], SentenceSet]


@pytest.fixture(scope="module")
def understander(household: SentenceSet) -> TemplateUnderstander:
    return TemplateUnderstander(household)


def only(parses: Any) -> Parse:
    assert len(parses) == 1, parses
    parse: Parse = parses[0]
    return parse


@pytest.mark.parametrize(
    ("text", "intent", "slots"),
    [
        ("set a timer for ten minutes", "timer_set", {"duration": 600}),
        ("Please, can you set a timer for 10 minutes, thanks!", "timer_set", {"duration": 600}),
        ("um set the timer for uh an hour and a half", "timer_set", {"duration": 5400}),
        (
            "make a pasta timer for 90 seconds",
            "timer_set",
            {"timer_name": "pasta", "duration": 90},
        ),
        ("add eggs and milk", "list_add", {"item": ["eggs", "milk"]}),
        (
            "add eggs, milk to the shopping list",
            "list_add",
            {"item": ["eggs", "milk"], "list_name": "shopping"},
        ),
        ("What is the time?", "time_now", {}),
        ("what's the time", "time_now", {}),
        ("WHATS THE TIME", "time_now", {}),
        ("volume seven", "volume_set", {"level": 7, "device": "speaker"}),
        ("set volume to 7", "volume_set", {"level": 7, "device": "speaker"}),
        ("remind me to call Bob", "reminder_set", {"text": "call Bob"}),
    ],
)
def test_what_a_template_says_is_understood(
    understander: TemplateUnderstander,
    context: NluContext,
    text: str,
    intent: str,
    slots: dict[str, Any],
) -> None:
    parse = only(understander.match(text, context))
    assert (parse.intent, dict(parse.slots), parse.matcher) == (intent, slots, "template")
    assert 0.7 <= parse.score <= 1.0
    assert "household.yaml:" in parse.template


@pytest.mark.parametrize(
    "text",
    [
        "set a timer for bananas",
        "set a timer for",
        "volume eleven",
        "who invented the timer",
        "stop stop stop",
        "",
        "   ",
        "?!",
        "\x00\x1b",
        "ten minutes",
        "x" * 100_000,
        "set a timer for ten minutes " * 500,
        "مرحبا ضع مؤقتا",
        "🙂" * 50,
    ],
)
def test_what_no_template_says_is_not(
    understander: TemplateUnderstander, context: NluContext, text: str
) -> None:
    assert understander.match(text, context) == []


def test_words_end_where_the_time_begins(
    understander: TemplateUnderstander, context: NluContext
) -> None:
    first = only(understander.match("remind me to call mum tomorrow at five pm", context))
    assert first.slots["text"] == "call mum"
    assert first.slots["when"]["at"] == "2026-05-02T17:00:00+02:00"
    other = only(understander.match("remind me tomorrow at five pm to call mum", context))
    assert other.slots == first.slots


def test_a_bare_number_behind_open_words_is_no_time(
    understander: TemplateUnderstander, context: NluContext
) -> None:
    parse = only(understander.match("remind me to buy cake for five", context))
    assert dict(parse.slots) == {"text": "buy cake for five"}
    assert only(understander.match("wake me up at five", context)).intent == "alarm_set"


def test_words_keep_their_spelling(understander: TemplateUnderstander, context: NluContext) -> None:
    parse = only(understander.match("Remind me to buy a “Kiwi-42”, for Ann & Bob!", context))
    assert parse.slots["text"] == "buy a “Kiwi-42”, for Ann & Bob"


def test_an_answer_is_only_one_while_the_question_is_open(
    understander: TemplateUnderstander, context: NluContext
) -> None:
    asked = replace(context, state="ask_duration")
    assert only(understander.match("five minutes", asked)).slots == {"duration": 300}
    assert understander.match("five minutes", context) == []
    assert only(understander.match("what time is it", asked)).intent == "time_now"


def test_a_template_that_says_more_beats_an_open_answer(
    understander: TemplateUnderstander, context: NluContext
) -> None:
    asked = replace(context, state="ask_item")
    assert only(understander.match("stop", asked)).intent == "stop"
    assert only(understander.match("bread and butter", asked)).intent == "list_add"


def test_names_the_household_knows_are_certain_others_still_names(
    understander: TemplateUnderstander, context: NluContext
) -> None:
    at_home = replace(context, lists={"timer_name": ["pasta"]})
    known = only(understander.match("cancel the pasta timer", at_home))
    unknown = only(understander.match("cancel the pizza timer", at_home))
    assert (known.slots["timer_name"], known.score) == ("pasta", 1.0)
    assert unknown.slots["timer_name"] == "pizza"
    assert unknown.score < known.score


def test_household_values_may_mean_something_else(
    understander: TemplateUnderstander, context: NluContext
) -> None:
    lists = {"timer_name": [{"in": "spaghetti", "out": 7}]}
    parse = only(understander.match("stop my spaghetti timer", replace(context, lists=lists)))
    assert parse.slots == {"timer_name": 7}


def test_lists_of_values_are_extended_by_the_household(
    sentences_of: Maker, context: NluContext
) -> None:
    sentences = sentences_of(
        """
        language: en
        intents: {go: {data: [{sentences: ["go to {place}"]}]}}
        lists: {place: {values: [rome, {in: "(the big apple|new york)", out: nyc}]}}
        """
    )
    understander = TemplateUnderstander(sentences)
    assert only(understander.match("go to new york", context)).slots == {"place": "nyc"}
    assert understander.match("go to bonn", context) == []
    at_home = replace(context, lists={"place": ["Bonn"]})
    assert only(understander.match("go to bonn", at_home)).slots == {"place": "Bonn"}
    assert only(understander.match("go to rome", at_home)).slots == {"place": "rome"}


def test_a_slot_said_twice_holds_both(sentences_of: Maker, context: NluContext) -> None:
    sentences = sentences_of(
        """
        language: en
        intents: {sum: {data: [{sentences: ["{n} plus {n}"]}]}}
        slot_kinds: {n: number}
        """
    )
    parse = only(TemplateUnderstander(sentences).match("two plus forty one", context))
    assert parse.slots == {"n": [2, 41]}


def test_permutations_and_inline_ranges(sentences_of: Maker, context: NluContext) -> None:
    sentences = sentences_of(
        """
        language: en
        intents: {order: {data: [{sentences: ["({1..20:count} teas;for {who})"]}]}}
        lists: {who: {values: [ann, bob]}}
        """
    )
    understander = TemplateUnderstander(sentences)
    for text in ("twelve teas for ann", "for ann 12 teas"):
        assert only(understander.match(text, context)).slots == {"count": 12, "who": "ann"}


def test_context_without_a_clock_uses_the_systems(understander: TemplateUnderstander) -> None:
    parse = only(understander.match("wake me tomorrow at seven am", NluContext()))
    assert datetime.fromisoformat(parse.slots["when"]["at"]).tzinfo is not None


def test_open_words_alone_match_nothing(sentences_of: Maker, context: NluContext) -> None:
    sentences = sentences_of(
        """
        language: en
        intents: {any: {data: [{sentences: ["[the] {name}"]}]}}
        """
    )
    assert TemplateUnderstander(sentences).match("make it rain", context) == []
