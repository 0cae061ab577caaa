"""Several commands in one sentence."""

from __future__ import annotations

from dataclasses import replace

import pytest

from edgebot.core.nlu import NluContext
from edgebot.nlu.templates import SentenceSet
from edgebot.nlu.understander import TemplateUnderstander


@pytest.fixture(scope="module")
def understander(household: SentenceSet) -> TemplateUnderstander:
    return TemplateUnderstander(household)


@pytest.mark.parametrize(
    ("text", "intents"),
    [
        ("set a timer for ten minutes and add eggs to the list", ["timer_set", "list_add"]),
        ("stop and then what time is it", ["stop", "time_now"]),
        ("add eggs and milk to the list and set a timer for a minute", ["list_add", "timer_set"]),
        (
            "add salt, then set volume to 3 and after that what's the time?",
            ["list_add", "volume_set", "time_now"],
        ),
        ("remind me to call mum and set a timer for five minutes", ["reminder_set", "timer_set"]),
        ("set a timer for ten minutes and an alarm for six", ["timer_set", "alarm_set"]),
        ("please set a timer for two minutes and please stop", ["timer_set", "stop"]),
    ],
)
def test_several_commands_in_their_order(
    understander: TemplateUnderstander, context: NluContext, text: str, intents: list[str]
) -> None:
    assert [parse.intent for parse in understander.match(text, context)] == intents


@pytest.mark.parametrize(
    ("text", "slots"),
    [
        ("add eggs and milk", {"item": ["eggs", "milk"]}),
        ("add mac and cheese", {"item": ["mac and cheese"]}),
        ("add salt and stop", {"item": ["salt", "stop"]}),
        ("remind me to buy milk and call mum", {"text": "buy milk and call mum"}),
        ("set a timer for one hour and thirty minutes", {"duration": 5400}),
    ],
)
def test_one_command_stays_one(
    understander: TemplateUnderstander, context: NluContext, text: str, slots: dict[str, object]
) -> None:
    parses = understander.match(text, context)
    assert [dict(parse.slots) for parse in parses] == [slots]


def test_nothing_is_done_when_a_part_is_not_understood(
    understander: TemplateUnderstander, context: NluContext
) -> None:
    assert understander.match("stop and paint the house", context) == []
    assert understander.match("and and and", context) == []


def test_an_answer_and_a_command(understander: TemplateUnderstander, context: NluContext) -> None:
    asked = replace(context, state="ask_duration")
    parses = understander.match("ten minutes and add eggs", asked)
    assert [parse.intent for parse in parses] == ["timer_set", "list_add"]
