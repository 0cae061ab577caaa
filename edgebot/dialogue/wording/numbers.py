"""Numbers, lists, percentages and quantities in words fit to be spoken."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from edgebot.dialogue.wording.tables import tables_of

SIGNIFICANT = 6
"""Digits of a number that is not whole; nobody listens to more."""


def in_words(value: int, language: str) -> str:
    """``value`` (0 … 99) spelled out."""
    table = tables_of(language)["numbers"]
    if value < len(table["small"]):
        return str(table["small"][value])
    tens, ones = divmod(value, 10)
    if not ones:
        return str(table["tens"][tens - 2])
    both = {"tens": table["tens"][tens - 2], "ones": table["small"][ones]}
    if ones == 1 and "one_before" in table:  # einundzwanzig, not einsundzwanzig
        both["ones"] = table["one_before"]
    return str(table["both"].format(**both))


def say_number(value: float, language: str) -> str:
    """Small whole numbers in words, others in figures: "seven", "25", "3.14", "minus five"."""
    table = tables_of(language)["numbers"]
    if value < 0:
        return str(table["minus"].format(number=say_number(-value, language)))
    if value == int(value):
        whole = int(value)
        return in_words(whole, language) if whole <= table["in_words_up_to"] else str(whole)
    return str(_plain(value).replace(".", table["decimal"]))


def _plain(value: float) -> str:
    """Figures without exponent, rounded to :data:`SIGNIFICANT` digits (whole ones are all kept)."""
    whole = len(str(int(value))) if value >= 1 else 0
    rounded = f"{Decimal(repr(value)):.{max(SIGNIFICANT - whole, 1)}f}" if whole else ""
    rounded = rounded or f"{Decimal(f'{value:.{SIGNIFICANT}g}'):f}"
    return rounded.rstrip("0").rstrip(".") if "." in rounded else rounded


def say_percent(value: float, language: str) -> str:
    """ "fifty percent"."""
    number = say_number(value, language)
    return str(tables_of(language)["numbers"]["percent"].format(number=number))


def say_ordinal(value: int, language: str, form: str = "ordinals") -> str:
    """ "third"; 1 … 31, the days of a month. ``form`` names the table where a language has more."""
    table = tables_of(language)["numbers"]
    return str(table.get(form, table["ordinals"])[value - 1])


def say_list(items: Sequence[str], language: str, joined: str = "and") -> str:
    """ "eggs, milk and bread"; ``joined`` is ``and`` or ``or``."""
    table = tables_of(language)["lists"]
    if len(items) < 2:
        return "".join(items)
    rest = table["comma"].join(items[:-1])
    return str(table[joined].format(rest=rest, last=items[-1]))


def say_unit(unit: str, language: str, value: float = 2) -> str:
    """The name of a canonical unit for ``value`` of it; the canonical name where it has none."""
    one, many = tables_of(language)["units"].get(unit, (unit.replace("_", " "),) * 2)
    return str(one if abs(value) == 1 else many)


def say_quantity(quantity: dict[str, Any], language: str) -> str:
    """``{"value": 2.5, "unit": "kilometer"}`` as "2.5 kilometers"."""
    value = quantity["value"]
    number = say_number(value, language)
    one = tables_of(language)["numbers"].get("one_of", {})
    if value == 1 and one:
        number = one.get(quantity["unit"], one["default"])
    return f"{number} {say_unit(quantity['unit'], language, value)}"
