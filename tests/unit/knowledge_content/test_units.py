"""Conversions: recomputed from the definitions of the units."""

from __future__ import annotations

import re

import pytest

INCH, POUND, US_GALLON, UK_GALLON = 0.0254, 0.45359237, 231 * 0.0254**3, 4.54609e-3

# Unit → (kind, size in SI), from the definitions (NIST SP 811; UK Weights and Measures Act 1985).
UNITS = {
    "inch": ("m", INCH), "foot": ("m", 12 * INCH), "yard": ("m", 36 * INCH),
    "mile": ("m", 63360 * INCH), "nautical mile": ("m", 1852.0), "fathom": ("m", 72 * INCH),
    "furlong": ("m", 7920 * INCH), "millimetre": ("m", 1e-3), "centimetre": ("m", 1e-2),
    "metre": ("m", 1.0), "kilometre": ("m", 1e3), "micrometre": ("m", 1e-6),
    "square metre": ("m2", 1.0), "hectare": ("m2", 1e4), "acre": ("m2", 43560 * (12 * INCH) ** 2),
    "square kilometre": ("m2", 1e6), "square mile": ("m2", (63360 * INCH) ** 2),
    "square foot": ("m2", (12 * INCH) ** 2), "square inch": ("m2", INCH**2),
    "milligram": ("kg", 1e-6), "gram": ("kg", 1e-3), "kilogram": ("kg", 1.0), "tonne": ("kg", 1e3),
    "pound": ("kg", POUND), "ounce": ("kg", POUND / 16), "stone": ("kg", 14 * POUND),
    "short ton": ("kg", 2000 * POUND), "long ton": ("kg", 2240 * POUND),
    "troy ounce": ("kg", 31.1034768e-3), "carat": ("kg", 2e-4),
    "litre": ("m3", 1e-3), "millilitre": ("m3", 1e-6), "cubic centimetre": ("m3", 1e-6),
    "cubic metre": ("m3", 1.0), "US gallon": ("m3", US_GALLON), "gallon": ("m3", US_GALLON),
    "imperial gallon": ("m3", UK_GALLON), "quart": ("m3", US_GALLON / 4),
    "pint": ("m3", US_GALLON / 8), "US pint": ("m3", US_GALLON / 8),
    "imperial pint": ("m3", UK_GALLON / 8), "US cup": ("m3", US_GALLON / 16),
    "US fluid ounce": ("m3", US_GALLON / 128), "oil barrel": ("m3", 42 * US_GALLON),
    "knot": ("m/s", 1852 / 3600), "kilometre per hour": ("m/s", 1 / 3.6),
    "mile per hour": ("m/s", 63360 * INCH / 3600), "metre per second": ("m/s", 1.0),
    "pascal": ("Pa", 1.0), "bar": ("Pa", 1e5), "pound per square inch": ("Pa", 6894.757),
    "joule": ("J", 1.0), "calorie": ("J", 4.184), "kilojoule": ("J", 1e3),
    "kilocalorie": ("J", 4184.0), "kilowatt hour": ("J", 3.6e6),
    "watt": ("W", 1.0), "horsepower": ("W", 550 * POUND * 9.80665 * 12 * INCH),
    "millisecond": ("s", 1e-3), "second": ("s", 1.0), "minute": ("s", 60.0), "hour": ("s", 3600.0),
    "day": ("s", 86400.0), "week": ("s", 604800.0),
    "bit": ("B", 1 / 8), "byte": ("B", 1.0), "kilobyte": ("B", 1e3), "megabyte": ("B", 1e6),
    "gigabyte": ("B", 1e9), "terabyte": ("B", 1e12), "megabit": ("B", 1e6 / 8),
}  # fmt: skip

NUMBER = r"(\d[\d,]*(?:\.\d+)?)"
SAID = re.compile(rf"^{NUMBER} ([a-zA-Z ]+?) (?:is|are) (about )?{NUMBER} ([a-zA-Z ]+?)(?:[.,]|$)")
PLURALS = {"feet": "foot", "inches": "inch"}
TEMPERATURES = ("degrees", "degree")


def _unit(words: str) -> str:
    if words in UNITS:
        return words
    for plural, one in PLURALS.items():
        words = re.sub(rf"\b{plural}\b", one, words)
    singular = re.sub(r"^((?:square |cubic )?\w+?)s( per .*)?$", r"\1\2", words)
    for candidate in (words, singular, words.removesuffix("s")):
        if candidate in UNITS:
            return candidate
    raise KeyError(words)


def _digits(text: str) -> int:
    """Significant digits that were said."""
    return len(text.replace(",", "").replace(".", "").strip("0")) or 1


def _conversions(pairs):
    for pair in pairs("facts/units.yaml"):
        if (found := SAID.match(pair.answer)) and "degrees" not in pair.answer:
            yield found


def test_every_conversion_comes_out(pairs):
    checked = 0
    for found in _conversions(pairs):
        amount, unit, about, result, into = found.groups()
        kind, size = UNITS[_unit(unit)]
        other_kind, other_size = UNITS[_unit(into)]
        assert kind == other_kind, found[0]
        true = float(amount.replace(",", "")) * size / other_size
        said = float(result.replace(",", ""))
        if about:
            step = 10.0 ** -(len(result.partition(".")[2]))
            assert abs(said - true) <= 0.51 * step, (found[0], true)
        else:
            assert said == pytest.approx(true, rel=1e-9), (found[0], true)
        checked += 1
    assert checked >= 75


def test_each_conversion_answers_its_question(pairs):
    """ "How many feet are in a mile" names both units of its answer."""
    for pair in pairs("facts/units.yaml"):
        found = SAID.match(pair.answer)
        asked = re.match(r"How many ([a-z ]+?) (?:are )?in an? ([a-z ]+)$", pair.questions[0])
        if not found or not asked or "degrees" in pair.answer:
            continue
        try:
            units = {_unit(asked[1]), _unit(asked[2])}
        except KeyError:
            continue
        said = {_unit(found[2]), _unit(found[5])}
        plain = {re.sub("^(US|imperial) ", "", unit) for unit in said}
        assert units <= said | plain, pair


@pytest.mark.parametrize("file", ["facts/units.yaml", "facts/kitchen.yaml", "facts/science.yaml"])
def test_celsius_and_fahrenheit_agree(pairs, file):
    celsius = re.compile(r"(minus )?(\d+(?:\.\d+)?) degrees Celsius")
    fahrenheit = re.compile(r"(\d+(?:\.\d+)?) degrees Fahrenheit")
    checked = 0
    for pair in pairs(file):
        c, f = celsius.findall(pair.answer), fahrenheit.findall(pair.answer)
        if len(c) == 1 and len(f) == 1:
            true = float(c[0][1]) * (-1 if c[0][0] else 1) * 1.8 + 32
            # Oven dials are marked in steps of 25 degrees Fahrenheit.
            allowed = 12.5 if "about" in pair.answer else 0.6
            assert abs(float(f[0]) - true) <= allowed, pair.answer
            checked += 1
    assert checked >= 2


def test_what_stands_in_words(answers):
    said = answers("facts/units.yaml")
    assert "9.46 trillion" in said["How long is a light year"]
    assert round(299_792.458 * 86400 * 365.25 / 1e12, 2) == 9.46
    assert "1,073,741,824" in said["How big is a gibibyte"] and 2**30 == 1_073_741_824
    assert "3.26" in said["How long is a parsec"]
    assert round(648_000 / 3.141592653589793 * 149_597_870_700 / 9.4607304725808e15, 2) == 3.26
    for size, millimetres in (("A3", (297, 420)), ("A4", (210, 297)), ("A5", (148, 210))):
        assert f"{millimetres[0]} by {millimetres[1]}" in said[f"How big is an {size} sheet"]
    assert f"{24 * 2.54:.0f} centimetres" in said["What does a 24 inch screen mean"]
    assert "minus 40" in said["Where do Celsius and Fahrenheit meet"] and -40 * 1.8 + 32 == -40
