"""Conversion of units."""

from __future__ import annotations

import math

from edgebot.dialogue.skill import Intent, Outcome, Request, Slot, ask
from edgebot.dialogue.skills.units import COUNTERPARTS, Mismatch, convert, dimension

DIGITS = 4
"""Significant digits of a result: more is not listened to."""

QUANTITY = Slot("quantity", "quantity", 'how much, such as "two kilos"')
FROM = Slot("from_unit", "unit", "the unit to convert one of, when no quantity is given")

INTENTS = (
    Intent(
        "unit_convert",
        "Convert a quantity to another unit.",
        (
            QUANTITY,
            Slot("unit", "unit", "the unit wanted"),
            FROM,
        ),
        follow_up="quantity",
    ),
)


class Conversion:
    """Converts units."""

    name = "units"
    intents = INTENTS

    def handle(self, request: Request) -> Outcome:
        """Say how much it is in the other unit."""
        quantity = request.slots.get("quantity")
        if quantity is None and request.slots.get("from_unit"):
            quantity = {"value": 1, "unit": request.slots["from_unit"]}
        if quantity is None:
            return Outcome(question=ask(QUANTITY, request.intent, request.slots))
        value, unit = quantity["value"], quantity["unit"]
        wanted = request.slots.get("unit") or COUNTERPARTS.get(unit)
        if wanted is None:
            return Outcome("units.to_what", {"quantity": quantity})
        try:
            result = convert(value, unit, wanted)
        except Mismatch as pair:
            return Outcome("units.mismatch", {"unit": pair.unit, "other": pair.other})
        if wanted == "ounce" and dimension(unit) == "volume":
            wanted = "fluid_ounce"
        rounded = shorten(result)
        exact = math.isclose(rounded, result, rel_tol=1e-9, abs_tol=1e-12)
        args = {"quantity": quantity, "result": {"value": rounded, "unit": wanted}}
        return Outcome("units.is" if exact else "units.is_about", args)


def shorten(value: float) -> float:
    """``value`` with :data:`DIGITS` significant digits, whole above a thousand."""
    if value == 0 or not math.isfinite(value):
        return 0.0 if value == 0 else value
    digits = DIGITS - 1 - math.floor(math.log10(abs(value)))
    rounded = round(value, max(0, digits) if abs(value) >= 1000 else digits)
    return int(rounded) if rounded == int(rounded) and abs(rounded) < 1e15 else rounded
