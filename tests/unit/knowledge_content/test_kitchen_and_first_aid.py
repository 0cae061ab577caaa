"""Kitchen measures recomputed, first aid held to one set of figures."""

from __future__ import annotations

import re

ML = {"US cup": 236.588, "metric cup": 250.0, "tablespoon": 15.0, "teaspoon": 5.0}

# The figures of the resuscitation councils (ERC and AHA guidelines, adults).
CPR_RATE, CPR_DEPTH_CM, COOL_MINUTES = "100 to 120", "5 to 6", "20 minutes"


def test_spoons_and_cups(answers):
    said = answers("facts/kitchen.yaml")
    assert f"{ML['US cup']:.0f} millilitres" in said["How much is a cup"]
    assert f"{ML['tablespoon']:.0f} millilitres" in said["How much is a tablespoon"]
    assert f"{ML['teaspoon']:.0f} millilitres" in said["How much is a teaspoon"]
    assert " 3 " in said["How many teaspoons are in a tablespoon"]
    # In kitchens a cup is 16 tablespoons and 48 teaspoons; the metric figures round that.
    for part, spoons in (("a cup", 16), ("a quarter cup", 4), ("half a cup", 8)):
        assert f" {spoons} tablespoons" in said[f"How many tablespoons are in {part}"]
    assert " 48 " in said["How many teaspoons are in a cup"] and 16 * 3 == 48
    assert "5 tablespoons and 1 teaspoon" in said["How many tablespoons are in a third of a cup"]
    assert 5 * 3 + 1 == 16 * 3 / 3
    assert "4.2 US cups" in said["How many cups are in a litre"]
    assert round(1000 / ML["US cup"], 1) == 4.2


def test_butter(answers):
    said = answers("facts/kitchen.yaml")
    assert "113 grams" in said["How heavy is a stick of butter"]
    assert round(453.592 / 4) == 113
    assert "227 grams" in said["How many grams are in a cup of butter"]
    assert round(453.592 / 2) == 227


def test_gas_marks(answers):
    """Mark 1 is 275 degrees Fahrenheit, each further one 25 more."""
    said = answers("facts/kitchen.yaml")
    for mark in (2, 4, 6):
        assert (
            f"{275 + 25 * (mark - 1)} degrees Fahrenheit"
            in said[f"What temperature is gas mark {mark}"]
        )


def test_food_is_hot_enough(answers):
    said = answers("facts/kitchen.yaml")
    for meat, celsius in (("chicken", 74), ("turkey", 74), ("minced meat", 71), ("fish", 63)):
        answer = said[f"What temperature should {meat} be"]
        assert f"{celsius} degrees Celsius" in answer
        assert f"{round(celsius * 1.8 + 32)} degrees Fahrenheit" in answer


def test_resuscitation_is_the_same_everywhere(pairs):
    for pair in pairs("facts/first_aid.yaml"):
        if "times a minute" in pair.answer:
            assert CPR_RATE in pair.answer, pair
        for depth in re.findall(r"(\S+ to \S+) centimetres deep", pair.answer):
            assert depth == CPR_DEPTH_CM, pair
        if re.search(r"\bburns?\b", " ".join(pair.questions), re.IGNORECASE):
            for minutes in re.findall(r"\d+ minutes", pair.answer):
                assert minutes == COOL_MINUTES, pair


def test_what_threatens_life_names_the_emergency_number(answers):
    said = answers("facts/first_aid.yaml")
    for question in (
        "How do I do CPR",
        "What do I do if someone is unconscious",
        "What do I do if someone is choking",
        "How do I stop bleeding",
        "What do I do if someone has a stroke",
        "What do I do if someone has a heart attack",
        "What do I do about a severe allergic reaction",
        "What do I do if someone swallowed poison",
        "How do I treat hypothermia",
        "What do I do about heat stroke",
        "How do I treat shock",
        "I want to hurt myself",
    ):
        assert "emergency number" in said[question], question


def test_numbers_to_call(answers):
    said = answers("facts/first_aid.yaml")
    everywhere = said["Which number do I call in an emergency"]
    for place, number in (
        ("the United States", "911"),
        ("the United Kingdom", "999 or 112"),
        ("Australia", "000"),
    ):
        assert number in everywhere and number in said[f"What is the emergency number in {place}"]
    assert "112" in said["What is the emergency number in Europe"]
    assert "111" in said["What is the emergency number in New Zealand"]
