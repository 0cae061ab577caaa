"""Gates: what the figures of an artefact must show before it may be shipped.

Written as people say it: ``kl <= 0.035``, ``size_mb <= 0.9 * source``, ``answers_same >= 22``.
"""

from __future__ import annotations

import math
import operator
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic_core import core_schema

from edgebot.build.evaluator import SOURCE
from edgebot.core.errors import EdgebotError

_COMPARE = {"<=": operator.le, ">=": operator.ge, "<": operator.lt, ">": operator.gt}
_FORM = re.compile(
    r"^\s*([a-z][a-z0-9_.]*)\s*(<=|>=|<|>)\s*"
    r"(?:(-?[0-9]*\.?[0-9]+(?:[eE][-+]?[0-9]+)?)(\s*\*\s*source)?|(source))\s*$"
)


class GateMissed(EdgebotError):
    """An artefact does not show what its recipe asks for; nothing is shipped."""

    exit_code = 4


@dataclass(frozen=True, slots=True)
class Gate:
    """One bound of one figure."""

    text: str
    figure: str
    comparison: str
    limit: float
    times_source: bool
    """The limit is a multiple of the source's figure of the same name."""

    @classmethod
    def parse(cls, text: str) -> Gate:
        """Read ``text``; raises ``ValueError`` for what is no gate."""
        found = _FORM.match(text)
        if not found:
            raise ValueError(
                f"{text!r} is no gate; write for example 'kl <= 0.05' or 'size_mb <= 0.9 * source'"
            )
        figure, comparison, number, times, alone = found.groups()
        limit = 1.0 if alone else float(number)
        return cls(" ".join(text.split()), figure, comparison, limit, bool(times or alone))

    @classmethod
    def __get_pydantic_core_schema__(cls, source: Any, handler: Any) -> core_schema.CoreSchema:
        """Recipes hold gates as texts."""
        return core_schema.no_info_plain_validator_function(_validated)


def _validated(value: Any) -> Gate:
    if isinstance(value, Gate):
        return value
    if not isinstance(value, str):
        raise ValueError("a gate is a text, for example 'kl <= 0.05'")
    return Gate.parse(value)


@dataclass(frozen=True, slots=True)
class Verdict:
    """What came of a gate."""

    gate: Gate
    found: float | None
    """None: nothing measured it."""

    bound: float | None
    """The limit as a number; None where the source was not measured."""

    passed: bool


def judge(gates: Iterable[Gate], figures: Mapping[str, float]) -> list[Verdict]:
    """Hold ``figures`` against ``gates``; what was not measured or is no number has not passed."""
    return [_judge(gate, figures) for gate in gates]


def _judge(gate: Gate, figures: Mapping[str, float]) -> Verdict:
    found = figures.get(gate.figure)
    bound: float | None = gate.limit
    if gate.times_source:
        reference = figures.get(SOURCE + gate.figure)
        bound = None if reference is None else gate.limit * reference
    good = (
        found is not None
        and bound is not None
        and math.isfinite(found)
        and math.isfinite(bound)
        and bool(_COMPARE[gate.comparison](found, bound))
    )
    return Verdict(gate, found, bound, good)
