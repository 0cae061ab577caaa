"""Coins, dice, random numbers, and a choice between things."""

from __future__ import annotations

import random

from edgebot.dialogue.skill import Intent, Outcome, Request, Slot

MOST_DICE = 20
MOST_SIDES = 1000

INTENTS = (
    Intent("coin_flip", "Flip a coin.", tool=False),
    Intent(
        "dice_roll",
        "Roll dice.",
        (Slot("count", "number", "how many"), Slot("sides", "number", "sides of each")),
        tool=False,
    ),
    Intent(
        "random_number",
        "Choose a random number.",
        (Slot("low", "number", "the least"), Slot("high", "number", "the greatest")),
        tool=False,
    ),
    Intent(
        "random_choice",
        "Choose one of several things.",
        (Slot("options", "item_list", "the things", required=True),),
        tool=False,
    ),
)


class Chance:
    """Leaves it to chance."""

    name = "chance"
    intents = INTENTS

    def __init__(self, source: random.Random | None = None) -> None:
        self._random = source or random.SystemRandom()

    def handle(self, request: Request) -> Outcome:
        """Flip, roll, draw."""
        if request.intent == "coin_flip":
            return Outcome(self._random.choice(("chance.heads", "chance.tails")))
        if request.intent == "dice_roll":
            return self._roll(request)
        if request.intent == "random_choice":
            options = list(request.slots["options"])
            return Outcome("chance.choice", {"choice": self._random.choice(options)})
        low, high = request.slots.get("low"), request.slots.get("high")
        ends = sorted(
            int(end) for end in (1 if low is None else low, 100 if high is None else high)
        )
        return Outcome("chance.number", {"number": self._random.randint(*ends)})

    def _roll(self, request: Request) -> Outcome:
        count = int(request.slots.get("count") or 1)
        sides = int(request.slots.get("sides") or 6)
        if not 1 <= count <= MOST_DICE or not 2 <= sides <= MOST_SIDES:
            return Outcome("chance.odd_dice", {"dice": MOST_DICE, "sides": MOST_SIDES})
        rolls = [self._random.randint(1, sides) for _ in range(count)]
        if count == 1:
            return Outcome("chance.die", {"number": rolls[0]})
        return Outcome("chance.dice", {"numbers": [str(roll) for roll in rolls], "sum": sum(rolls)})
