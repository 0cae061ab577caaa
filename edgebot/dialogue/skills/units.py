"""Units and what they are worth in each other.

Factors are exact by definition (international yard and pound, 1959; US liquid measures; SI) or, for
light years and horsepower, to the digits that their definition gives.
"""

from __future__ import annotations

from dataclasses import dataclass

_LENGTH = {
    "millimeter": 0.001, "centimeter": 0.01, "decimeter": 0.1, "meter": 1.0, "kilometer": 1000.0,
    "inch": 0.0254, "foot": 0.3048, "yard": 0.9144, "mile": 1609.344, "nautical_mile": 1852.0,
    "light_year": 9_460_730_472_580_800.0,
}  # fmt: skip
_MASS = {
    "milligram": 1e-6, "gram": 0.001, "kilogram": 1.0, "tonne": 1000.0, "ton": 907.18474,
    "ounce": 0.028349523125, "pound": 0.45359237,
    "metric_pound": 0.5, "stone": 6.35029318,
}  # fmt: skip
_VOLUME = {
    "milliliter": 0.001, "centiliter": 0.01, "deciliter": 0.1, "liter": 1.0, "cubic_meter": 1000.0,
    "cubic_centimeter": 0.001, "teaspoon": 0.00492892159375, "tablespoon": 0.01478676478125,
    "cup": 0.2365882365, "fluid_ounce": 0.0295735295625, "pint": 0.473176473,
    "quart": 0.946352946, "gallon": 3.785411784,
}  # fmt: skip
_SPEED = {
    "kilometer_per_hour": 1 / 3.6, "mile_per_hour": 0.44704, "meter_per_second": 1.0,
    "knot": 1852 / 3600,
}  # fmt: skip
_TIME = {
    "millisecond": 0.001, "second": 1.0, "minute": 60.0, "hour": 3600.0, "day": 86_400.0,
    "week": 604_800.0, "month": 2_629_746.0, "year": 31_556_952.0,
}  # fmt: skip
_DATA = {
    "bit": 0.125, "byte": 1.0, "kilobyte": 1e3, "megabyte": 1e6, "gigabyte": 1e9,
    "terabyte": 1e12, "kibibyte": 1024.0, "mebibyte": 1024.0**2, "gibibyte": 1024.0**3,
}  # fmt: skip
_AREA = {
    "square_meter": 1.0, "square_centimeter": 1e-4, "square_kilometer": 1e6,
    "square_foot": 0.09290304, "square_inch": 0.00064516, "square_yard": 0.83612736,
    "square_mile": 2_589_988.110336, "hectare": 1e4, "acre": 4046.8564224,
}  # fmt: skip
_ENERGY = {
    "joule": 1.0, "kilojoule": 1e3, "calorie": 4.184, "kilocalorie": 4184.0, "watt_hour": 3600.0,
    "kilowatt_hour": 3.6e6,
}  # fmt: skip
_POWER = {
    "watt": 1.0,
    "kilowatt": 1e3,
    "horsepower": 745.69987158227022,
    "metric_horsepower": 735.49875,
}
_PRESSURE = {
    "pascal": 1.0, "hectopascal": 100.0, "kilopascal": 1e3, "bar": 1e5, "millibar": 100.0,
    "atmosphere": 101_325.0, "psi": 6894.757293168361,
}  # fmt: skip
_ANGLE = {"degree": 1.0, "radian": 57.29577951308232}

DIMENSIONS = {
    "length": _LENGTH, "mass": _MASS, "volume": _VOLUME, "speed": _SPEED, "time": _TIME,
    "data": _DATA, "area": _AREA, "energy": _ENERGY, "power": _POWER, "pressure": _PRESSURE,
    "angle": _ANGLE,
}  # fmt: skip
"""Dimension → unit → how many of the dimension's base unit it is."""

_TEMPERATURES = {
    "degree_Celsius": (1.0, 273.15),
    "degree_Fahrenheit": (5 / 9, 459.67 * 5 / 9),
    "kelvin": (1.0, 0.0),
}
"""Unit → (kelvins a degree, kelvins at zero)."""

COUNTERPARTS = {
    "mile": "kilometer", "kilometer": "mile", "foot": "meter", "meter": "foot",
    "inch": "centimeter", "centimeter": "inch", "yard": "meter", "pound": "kilogram",
    "kilogram": "pound", "ounce": "gram", "gram": "ounce", "stone": "kilogram",
    "gallon": "liter", "liter": "gallon", "cup": "milliliter", "fluid_ounce": "milliliter",
    "pint": "liter", "quart": "liter", "tablespoon": "milliliter", "teaspoon": "milliliter",
    "milliliter": "fluid_ounce", "degree_Fahrenheit": "degree_Celsius",
    "degree_Celsius": "degree_Fahrenheit", "kelvin": "degree_Celsius",
    "mile_per_hour": "kilometer_per_hour", "kilometer_per_hour": "mile_per_hour",
    "knot": "kilometer_per_hour", "acre": "square_meter", "hectare": "acre",
    "square_foot": "square_meter", "square_meter": "square_foot", "kilocalorie": "kilojoule",
    "horsepower": "kilowatt", "psi": "bar", "nautical_mile": "kilometer",
}  # fmt: skip
"""What a quantity is converted to when nobody says."""


@dataclass(frozen=True, slots=True)
class Mismatch(Exception):
    """Two units that measure different things."""

    unit: str
    other: str


def dimension(unit: str) -> str | None:
    """What ``unit`` measures; None for an unknown one."""
    if unit in _TEMPERATURES:
        return "temperature"
    return next((name for name, units in DIMENSIONS.items() if unit in units), None)


def convert(value: float, unit: str, other: str) -> float:
    """``value`` of ``unit`` in ``other``; raises :class:`Mismatch`.

    An ounce beside a measure of volume is a fluid ounce; a degree beside a temperature is the
    other kind of degree.
    """
    if unit == "degree" and dimension(other) == "temperature":
        unit = "degree_Celsius" if other == "degree_Fahrenheit" else "degree_Fahrenheit"
    if dimension(unit) == "volume" and other == "ounce":
        other = "fluid_ounce"
    if dimension(other) == "volume" and unit == "ounce":
        unit = "fluid_ounce"
    what = dimension(unit)
    if what is None or what != dimension(other):
        raise Mismatch(unit, other)
    if what == "temperature":
        a_degree, zero = _TEMPERATURES[unit]
        other_degree, other_zero = _TEMPERATURES[other]
        return (value * a_degree + zero - other_zero) / other_degree
    return value * DIMENSIONS[what][unit] / DIMENSIONS[what][other]
