"""Sums, as they are spoken."""

from __future__ import annotations

import math

from edgebot.core.dialogue import SlotReader
from edgebot.dialogue.skill import Intent, Outcome, Request, Slot, Topic
from edgebot.dialogue.skills.evaluate import DividedByZero, NotReal, TooLarge, evaluate
from edgebot.dialogue.skills.spoken_sums import NoSum, SumReader, Token

DECIMALS = 4

MORE = (
    Slot("operator", "text", 'what is done with it, such as "plus"'),
    Slot("second", "number", "the number it is done with"),
    Slot("prefix", "text", 'what is taken of it, such as "half of"'),
    Slot("after", "text", 'what is done to it, such as "squared"'),
)

INTENTS = (
    Intent(
        "calculate",
        "Work out a sum.",
        (Slot("expression", "text", 'the sum, such as "twelve times seven"'),),
    ),
    Intent("calculate_more", "Go on with the last result.", MORE, tool=False),
)


class Arithmetic:
    """Does sums."""

    name = "arithmetic"
    intents = INTENTS

    def __init__(self, language: str, numbers: SlotReader) -> None:
        self._reader = SumReader(language, numbers)

    def handle(self, request: Request) -> Outcome:
        """Say what it comes to."""
        try:
            value = evaluate(self._tokens(request))
        except NoResult:
            return Outcome("sums.nothing_before")
        except NoSum:
            return Outcome("sums.not_understood")
        except DividedByZero:
            return Outcome("sums.divided_by_zero")
        except NotReal:
            return Outcome("sums.not_real")
        except TooLarge:
            return Outcome("sums.too_large")
        rounded = _shorten(value)
        exact = math.isclose(rounded, value, rel_tol=1e-12, abs_tol=1e-12)
        topic = Topic("sum", {"result": value})
        return Outcome("sums.is" if exact else "sums.is_about", {"result": rounded}, topic=topic)

    def _tokens(self, request: Request) -> list[Token]:
        """The sum; where it goes on from the last one, with that one's exact result in it."""
        if request.intent != "calculate_more":
            return self._reader.read(_words(request), request.now)
        if request.topic is None or request.topic.kind != "sum":
            raise NoResult
        result = float(request.topic.refers["result"])
        slots = request.slots
        if slots.get("prefix"):
            share = slots.get("second")
            words = f"{share if share is not None else ''} {slots['prefix']} 1"
            return [*self._reader.read(words, request.now)[:-1], result]
        done = slots.get("after") or f"{slots.get('operator')} {slots.get('second')}"
        return [result, *self._reader.read(f"1 {done}", request.now)[1:]]


class NoResult(Exception):
    """There is no result to go on with."""


def _words(request: Request) -> str:
    """The sum in words: what a template took apart, put together again, else all that was said."""
    slots = request.slots
    infix = ("first", "after", "operator", "prefix", "rest")
    # "Subtract … from …" has its words in another order.
    order = ("prefix", "first", "joint", "second") if "joint" in slots else infix
    parts = [str(slots[name]) for name in order if slots.get(name) is not None]
    return str(slots.get("expression") or " ".join(parts) or request.text)


def _shorten(value: float) -> float:
    """``value`` with :data:`DECIMALS` decimals, more where it is small; whole numbers whole."""
    decimals = DECIMALS
    if 0 < abs(value) < 0.1:
        decimals += -math.floor(math.log10(abs(value))) - 1
    rounded = round(value, min(decimals, 15))
    return int(rounded) if rounded == int(rounded) else rounded
