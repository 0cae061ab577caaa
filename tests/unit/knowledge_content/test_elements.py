"""The periodic table: recomputed from the numbers of the noble gases."""

from __future__ import annotations

import itertools
import re

NOBLE = (2, 10, 18, 36, 54, 86, 118)
"""Atomic numbers that end a period."""

# Pairs in which the heavier element comes first, a well-known oddity of the table.
INVERSIONS = {(18, 19), (27, 28), (52, 53), (90, 91)}


def _period(number: int) -> int:
    return 1 + sum(number > last for last in NOBLE)


def _group(number: int) -> str:
    """Group by the position in the period; empty for lanthanides and actinides."""
    period = _period(number)
    end = NOBLE[period - 1]
    length = end - ([0, *NOBLE][period - 1])
    position = number - ([0, *NOBLE][period - 1])
    if length == 2:
        return "1" if position == 1 else "18"
    if position <= 2:
        return str(position)
    if length == 8:
        return str(position + 10)
    if length == 18:
        return str(position)
    return str(position - 14) if position > 17 else ""


def test_all_118_in_order_with_symbols_of_their_own(table):
    rows = table("facts/elements.csv")
    assert [int(row["atomic number"]) for row in rows] == list(range(1, 119))
    assert len({row["symbol"] for row in rows}) == len({row["element"] for row in rows}) == 118
    assert all(re.fullmatch(r"[A-Z][a-z]?", row["symbol"]) for row in rows)


def test_periods_and_groups_follow_from_the_number(table):
    for row in table("facts/elements.csv"):
        number = int(row["atomic number"])
        assert int(row["period"]) == _period(number), row
        assert row["group"] == _group(number), row


def test_categories_fit_the_groups(table):
    for row in table("facts/elements.csv"):
        group, category = row["group"], row["category"]
        number = int(row["atomic number"])
        assert (category == "noble gas") == (group == "18" and number != 118), row
        assert (category == "alkali metal") == (group == "1" and number != 1), row
        assert (category == "alkaline earth metal") == (group == "2"), row
        assert (category == "halogen") == (group == "17" and number != 117), row
        assert (category == "lanthanide") == (57 <= number <= 71), row
        assert (category == "actinide") == (89 <= number <= 103), row


def test_weights_grow_with_the_number(table):
    weighed = [
        (int(row["atomic number"]), float(row["atomic weight"]))
        for row in table("facts/elements.csv")
        if row["atomic weight"]
    ]
    assert len(weighed) == 84
    falls = {
        (low, high) for (low, light), (high, heavy) in itertools.pairwise(weighed) if light > heavy
    }
    assert falls == INVERSIONS
    for number, weight in weighed:
        assert number == 1 or 1.9 * number <= weight <= 2.65 * number, number


def test_liquids_and_gases(table):
    rows = table("facts/elements.csv")
    state = {row["element"]: row["state at room temperature"] for row in rows}
    assert {name for name, is_ in state.items() if is_ == "liquid"} == {"bromine", "mercury"}
    assert sum(is_ == "gas" for is_ in state.values()) == 11


def test_what_is_spoken_is_what_the_table_says(table, pairs):
    spoken = pairs("facts/elements.yaml")
    for row, pair in zip(table("facts/elements.csv"), spoken, strict=True):
        letters = " ".join(row["symbol"].upper())
        start = f"{row['element'].capitalize()} has the symbol {letters} and the atomic number "
        assert pair.answer.startswith(f"{start}{row['atomic number']}."), pair
        assert row["known for"].removeprefix("being ") in pair.answer, pair
        assert any(q.endswith(f"symbol {row['symbol']}") for q in pair.questions), pair
