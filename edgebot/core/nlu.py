"""Understanding: slots, parses and the port."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol, TypeAlias

SlotValue: TypeAlias = Any
"""A JSON value: str, int, float, bool, or a mapping or list of them."""

Matcher = Literal["template", "loose", "classifier", "dialogue", "none"]
"""``loose``: the slots of the only intent there is were found, but no template matched."""


@dataclass(frozen=True, slots=True)
class Parse:
    """What an utterance means, or that it could not be told."""

    text: str
    intent: str | None
    slots: Mapping[str, SlotValue] = field(default_factory=dict)
    score: float = 0.0
    """Calibrated, 0 … 1."""

    matcher: Matcher = "none"
    template: str = ""
    """The sentence template that matched, with its file and line."""

    alternatives: tuple[tuple[str, float], ...] = ()
    """Other intents that were considered, with their scores, best first."""


@dataclass(frozen=True, slots=True)
class NluContext:
    """What the dialogue knows when it asks for a parse."""

    state: str = ""
    """Name of the open question (``""`` when none): selects what can be said."""

    lists: Mapping[str, Sequence[str | Mapping[str, Any]]] = field(default_factory=dict)
    """Slot values only this household has: timer names, list names … as text, or as
    ``{in: said, out: value, context: {…}}`` where they differ."""

    now: datetime | None = None
    """What "tomorrow" counts from, with its time zone; the system's clock and zone when None."""

    area: str | None = None
    """The room the words were spoken in, for templates that ask for one."""


class Understander(Protocol):
    """The understanding front end, templates and classifier loaded."""

    language: str

    def match(self, text: str, context: NluContext) -> Sequence[Parse]:
        """The commands in ``text``, in order, each as its best template says it.

        One where the text is one command, several where it holds several ("… and then …"); an
        empty sequence when no template fits.
        """

    def classify(self, text: str, context: NluContext) -> Parse:
        """The classifier's best intent with slots read from the text; intent None out of scope."""

    def attribute(self, text: str) -> Sequence[tuple[str, float]]:
        """Each word of ``text`` with how much it carried the classifier's decision, -1 … 1."""

    def grammar(self, context: NluContext) -> Sequence[str]:
        """Phrases a recogniser may expect in this state, lower case.

        Together they are a small corpus: every pair of neighbouring words that a template allows
        occurs in one of them, and what is said more often occurs more often.
        """

    def close(self) -> None:
        """Free the classifier."""
