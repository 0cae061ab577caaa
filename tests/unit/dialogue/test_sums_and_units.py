"""Arithmetic and units against independent sources."""

from __future__ import annotations

import math
from datetime import UTC, datetime

import pint
import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgebot.dialogue.skill import Request
from edgebot.dialogue.skills.arithmetic import Arithmetic
from edgebot.dialogue.skills.conversion import Conversion, shorten
from edgebot.dialogue.skills.evaluate import (
    DividedByZero,
    NotReal,
    TooLarge,
    evaluate,
)
from edgebot.dialogue.skills.spoken_sums import NoSum, SumReader
from edgebot.dialogue.skills.units import COUNTERPARTS, DIMENSIONS, Mismatch, convert, dimension
from edgebot.runtime.slot_reading import LanguageSlotReader

NOW = datetime(2024, 5, 14, tzinfo=UTC)
READER = SumReader("en", LanguageSlotReader("en"))


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("twelve times seven", 84),
        ("15 percent of 80", 12),
        ("twenty percent of two hundred and fifty", 50),
        ("80 plus 15 percent", 92),
        ("200 minus 10 percent", 180),
        ("the square root of 144", 12),
        ("square root of 16 plus 9", 13),
        ("cube root of 27", 3),
        ("two plus three times four", 14),
        ("one hundred and five minus two", 103),
        ("subtract five from twelve", 7),
        ("the sum of one hundred and five and seven", 112),
        ("the difference between 10 and 4", 6),
        ("multiply six by seven", 42),
        ("divide 20 by 8", 2.5),
        ("add 5 to 7", 12),
        ("3 squared", 9),
        ("two cubed plus one", 9),
        ("two to the power of ten", 1024),
        ("2^3^2", 512),
        ("minus five plus three", -2),
        ("3 - -4", 7),
        ("5!", 120),
        ("6 factorial", 720),
        ("half of 50", 25),
        ("three quarters of 20", 15),
        ("(2+3)*4", 20),
        ("1,000 plus 1", 1001),
        ("12x12", 144),
        ("three point five times two", 7),
        ("100 mod 7", 2),
        ("could you tell me how much twelve times seven makes", 84),
        ("2 times pi", 6.283185307179586),
    ],
)
def test_spoken_sums(text: str, value: float) -> None:
    assert evaluate(READER.read(text, NOW)) == pytest.approx(value, rel=1e-12)


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("seven divided by zero", DividedByZero),
        ("5 modulo 0", DividedByZero),
        ("0 to the power of -1", DividedByZero),
        ("square root of minus four", NotReal),
        ("3.5 factorial", NotReal),
        ("100 factorial", TooLarge),
        ("10 to the power of 400", TooLarge),
        ("9^9^9^9^9", TooLarge),
        ("999999999999 times 999999999999", TooLarge),
        ("", NoSum),
        ("seven", NoSum),
        ("what is the capital of france", NoSum),
        ("two plus", NoSum),
        ("plus plus", NoSum),
        ("(2+3", NoSum),
        ("2+3)", NoSum),
        ("__import__('os') plus 2", NoSum),
        ("plus 2 " * 200, NoSum),
    ],
)
def test_what_is_no_sum(text: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        evaluate(READER.read(text, NOW))


_NUMBERS = st.integers(-50, 50) | st.floats(-50, 50, allow_nan=False).map(lambda x: round(x, 2))


@given(st.lists(_NUMBERS, min_size=2, max_size=6), st.data())
def test_precedence_is_pythons(numbers: list[float], data: st.DataObject) -> None:
    signs = data.draw(
        st.lists(st.sampled_from("+-*/"), min_size=len(numbers) - 1, max_size=len(numbers) - 1)
    )
    text = str(float(numbers[0]))
    tokens: list[float | str] = [float(numbers[0])]
    for sign, number in zip(signs, numbers[1:], strict=True):
        text += f" {sign} ({float(number)})"
        tokens += [sign, float(number)]
    try:
        expected = eval(text, {"__builtins__": {}})
    except ZeroDivisionError:
        with pytest.raises(DividedByZero):
            evaluate(tokens)
        return
    assert evaluate(tokens) == pytest.approx(expected, rel=1e-9, abs=1e-9)


@given(st.text(max_size=60))
def test_no_text_does_harm(text: str) -> None:
    outcome = Arithmetic("en", LanguageSlotReader("en")).handle(
        Request("calculate", {"expression": text or "x"}, text, "a", NOW)
    )
    assert outcome.reply.startswith("sums.")


def asked(quantity: dict[str, object], unit: str | None = None) -> tuple[str, object]:
    slots = {"quantity": quantity} | ({"unit": unit} if unit else {})
    outcome = Conversion().handle(Request("unit_convert", slots, "", "a", NOW))
    return outcome.reply, outcome.args.get("result")


PINT = pint.UnitRegistry()
OURS = {  # our name → pint's, where they differ
    "metric_pound": "metric_pound",
    "ton": "US_ton",
    "tonne": "metric_ton",
    "stone": "stone",
    "cup": "US_liquid_cup",
    "fluid_ounce": "US_fluid_ounce",
    "pint": "US_pint",
    "quart": "US_liquid_quart",
    "teaspoon": "teaspoon",
    "kilometer_per_hour": "kilometer/hour",
    "mile_per_hour": "mile/hour",
    "meter_per_second": "meter/second",
    "cubic_meter": "meter**3",
    "cubic_centimeter": "centimeter**3",
    "kilocalorie": "kilocalorie",
    "watt_hour": "watt*hour",
    "kilowatt_hour": "kilowatt*hour",
    "horsepower": "horsepower",
    "metric_horsepower": "metric_horsepower",
    "month": "month",
    "year": "year",
    "calorie": "calorie",
}


def pints(unit: str) -> str:
    if unit in OURS:
        return OURS[unit]
    return f"{unit.removeprefix('square_')}**2" if unit.startswith("square_") else unit


@pytest.mark.parametrize(
    ("unit", "base"),
    [
        (unit, next(name for name, factor in units.items() if factor == 1.0))
        for units in DIMENSIONS.values()
        for unit in units
        if unit not in ("year", "month", "metric_pound")
    ],
)
def test_every_factor_is_pints(unit: str, base: str) -> None:
    if base == "byte" or unit == "bit":
        expected = PINT.Quantity(1, unit).to("byte").magnitude
    else:
        expected = PINT.Quantity(1, pints(unit)).to(pints(base)).magnitude
    assert convert(1, unit, base) == pytest.approx(
        expected, rel=5e-6
    )  # pint's acre is the US survey's


def test_years_and_months_are_gregorian_means() -> None:
    assert convert(400, "year", "day") == pytest.approx(146_097)
    assert convert(12, "month", "year") == pytest.approx(1)


@pytest.mark.parametrize(
    ("value", "unit", "other", "result"),
    [
        (70, "degree_Fahrenheit", "degree_Celsius", 21.111111),
        (-40, "degree_Celsius", "degree_Fahrenheit", -40),
        (0, "kelvin", "degree_Celsius", -273.15),
        (100, "degree", "degree_Celsius", 37.777778),
        (37, "degree", "degree_Fahrenheit", 98.6),
        (1, "cup", "ounce", 8),
        (8, "ounce", "cup", 1),
        (1, "pound", "ounce", 16),
    ],
)
def test_special_cases(value: float, unit: str, other: str, result: float) -> None:
    assert convert(value, unit, other) == pytest.approx(result, rel=1e-6)


def test_different_things_are_not_converted() -> None:
    with pytest.raises(Mismatch):
        convert(1, "kilogram", "meter")
    with pytest.raises(Mismatch):
        convert(1, "smoot", "meter")


def test_counterparts_measure_the_same() -> None:
    for unit, other in COUNTERPARTS.items():
        assert dimension(unit) == dimension(other) is not None


def test_the_skill() -> None:
    assert asked({"value": 1, "unit": "mile"}, "foot") == (
        "units.is",
        {"value": 5280, "unit": "foot"},
    )
    assert asked({"value": 1, "unit": "kilogram"}, "ounce") == (
        "units.is_about",
        {"value": 35.27, "unit": "ounce"},
    )
    assert asked({"value": 1, "unit": "cup"}, "ounce")[1] == {"value": 8, "unit": "fluid_ounce"}
    assert asked({"value": 5, "unit": "mile"})[1] == {"value": 8.047, "unit": "kilometer"}
    assert asked({"value": 1, "unit": "kilogram"}, "meter")[0] == "units.mismatch"
    assert asked({"value": 1, "unit": "gibibyte"})[0] == "units.to_what"


@given(st.floats(-1e9, 1e9, allow_nan=False))
def test_shortened_numbers_are_near(value: float) -> None:
    assert math.isclose(shorten(value), value, rel_tol=6e-4, abs_tol=1e-300)
