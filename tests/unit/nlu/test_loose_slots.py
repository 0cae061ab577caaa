"""Slots where the words between them were misheard."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgebot.core.nlu import NluContext
from edgebot.nlu.loose_slots import loose_slots
from edgebot.nlu.sentence_files import load_intents
from edgebot.nlu.spoken import clean
from edgebot.nlu.templates import SentenceSet
from edgebot.nlu.understander import TemplateUnderstander


@pytest.fixture(scope="module")
def coffee(root: Path) -> TemplateUnderstander:
    return TemplateUnderstander(load_intents(root / "docs" / "examples" / "coffee.yaml"))


@pytest.mark.parametrize(
    ("heard", "slots"),
    [
        (
            "you me and double shot house coffee with a little bit of almond milk",
            {
                "numberOfShots": "double shot",
                "coffeeDrink": "house coffee",
                "milkAmount": "a little bit of almond milk",
            },
        ),
        (
            "i'd like it three shots iced mocha brown sugar",
            {
                "numberOfShots": "triple shot",
                "coffeeDrink": "iced mocha",
                "sugarAmount": "brown sugar",
            },
        ),
    ],
)
def test_the_only_intent_is_understood_from_its_values(
    coffee: TemplateUnderstander, context: NluContext, heard: str, slots: dict[str, str]
) -> None:
    (parse,) = coffee.match(heard, context)
    assert (parse.intent, dict(parse.slots), parse.matcher) == ("orderDrink", slots, "loose")
    assert 0.5 < parse.score < 1.0


@pytest.mark.parametrize(
    "heard",
    ["who invented the latte", "turn on the light", "i spilled coffee on my shirt", "", "small"],
)
def test_a_word_of_it_is_not_enough(
    coffee: TemplateUnderstander, context: NluContext, heard: str
) -> None:
    assert coffee.match(heard, context) == []
    assert coffee.classify(heard, context).intent is None


def test_the_longest_piece_wins_and_none_is_used_twice(
    household: SentenceSet, context: NluContext
) -> None:
    assert context.now is not None
    spoken = clean("put a timer up for ninety minutes")
    loose = loose_slots(household, "timer_set", spoken, context, context.now)
    assert loose.slots == {"duration": 5400}
    spoken = clean("make the loudness seven")
    loose = loose_slots(household, "volume_set", spoken, context, context.now)
    assert loose.slots == {"level": 7}
    assert loose.complete
