"""A calculator over tokens: precedence climbing, no names, no code, bounded numbers."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from edgebot.dialogue.skills.spoken_sums import NoSum, Token

LIMIT = 1e15
"""Beyond this a float is no longer exact; larger results are refused."""


class TooLarge(Exception):
    """The result, or a step towards it, is beyond what can be said."""


class DividedByZero(Exception):
    """Nobody can."""


class NotReal(Exception):
    """The root of a negative number."""


_BINARY: dict[str, tuple[int, Callable[[float, float], float]]] = {
    "+": (1, lambda a, b: a + b),
    "-": (1, lambda a, b: a - b),
    "*": (2, lambda a, b: a * b),
    "/": (2, lambda a, b: _divide(a, b)),
    "mod": (2, lambda a, b: _modulo(a, b)),
    "^": (4, lambda a, b: _power(a, b)),
    "off": (2, lambda a, b: b * (100 - a) / 100),
    "of%": (2, lambda a, b: 100 * _divide(a, b)),
}
"""Sign → (how tightly it binds, what it does)."""

_POSTFIX: dict[str, Callable[[float], float]] = {
    "²": lambda a: _power(a, 2),
    "³": lambda a: _power(a, 3),
    "!": lambda a: _factorial(a),
}
_PREFIX: dict[str, Callable[[float], float]] = {
    "√": lambda a: _root(a, 2),
    "∛": lambda a: _root(a, 3),
    "-": lambda a: -a,
}


def evaluate(tokens: Sequence[Token]) -> float:
    """The value of ``tokens``.

    Raises :class:`NoSum` when they are no sum, :class:`TooLarge`, :class:`DividedByZero`,
    :class:`NotReal`.
    """
    value, rest = _sum(list(tokens), 0)
    if rest:
        raise NoSum(str(rest[0]))
    return _bounded(value)


def _sum(tokens: list[Token], binding: int) -> tuple[float, list[Token]]:
    """Precedence climbing (Clarke, 1986)."""
    left, tokens = _operand(tokens)
    while tokens and isinstance(tokens[0], str) and tokens[0] in _BINARY:
        level, function = _BINARY[tokens[0]]
        if level <= binding:
            break
        sign = tokens[0]
        # Powers are grouped from the right: 2^3^2 is 2^(3^2).
        right, tokens = _sum(tokens[1:], level - 1 if sign == "^" else level)
        if tokens and tokens[0] == "%" and sign in "+-":
            left, tokens = function(left, left * right / 100), tokens[1:]  # 80 plus 15 percent
        else:
            left = function(left, right)
        _bounded(left)
    return left, tokens


def _operand(tokens: list[Token]) -> tuple[float, list[Token]]:
    if not tokens:
        raise NoSum("something is missing")
    first, rest = tokens[0], tokens[1:]
    if isinstance(first, float):
        return _behind(first, rest)
    if first in _PREFIX:
        # A root takes what follows it up to the next plus, minus, times …
        inner, rest = _sum(rest, 3)
        return _behind(_PREFIX[first](inner), rest)
    if first == "(":
        inner, rest = _sum(rest, 0)
        if not rest or rest[0] != ")":
            raise NoSum("(")
        return _behind(inner, rest[1:])
    raise NoSum(first)


def _behind(value: float, rest: list[Token]) -> tuple[float, list[Token]]:
    """Squares, factorials and percents behind an operand."""
    while rest and isinstance(rest[0], str):
        if rest[0] in _POSTFIX:
            value, rest = _bounded(_POSTFIX[rest[0]](value)), rest[1:]
        elif rest[0] == "%" and len(rest) > 1 and rest[1] == "*":
            value, rest = value / 100, rest[1:]  # 15 percent of 80
        else:
            break
    return value, rest


def _bounded(value: float) -> float:
    if not math.isfinite(value) or abs(value) > LIMIT:
        raise TooLarge
    return value


def _divide(a: float, b: float) -> float:
    if b == 0:
        raise DividedByZero
    return a / b


def _modulo(a: float, b: float) -> float:
    if b == 0:
        raise DividedByZero
    return math.fmod(a, b) if a * b >= 0 else a % b


def _power(a: float, b: float) -> float:
    if a == 0 and b < 0:
        raise DividedByZero
    if a < 0 and b != int(b):
        raise NotReal
    if a != 0 and abs(b) * max(0.0, math.log10(abs(a)) if abs(a) > 1 else 0.0) > 400:
        raise TooLarge
    try:
        return float(a**b)
    except OverflowError:
        raise TooLarge from None


def _factorial(a: float) -> float:
    if a != int(a) or a < 0:
        raise NotReal
    if a > 20:
        raise TooLarge
    return float(math.factorial(int(a)))


def _root(a: float, degree: int) -> float:
    if a < 0:
        if degree == 2:
            raise NotReal
        return -_root(-a, degree)
    root = math.sqrt(a) if degree == 2 else float(a ** (1 / degree))
    nearest = round(root)
    return float(nearest) if float(nearest) ** degree == a else root
