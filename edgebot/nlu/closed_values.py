"""Values with a grammar of their own (durations, moments, numbers …) inside one text.

They are found once and handed to hassil as lists of what may stand there, so that ``{text} {when}``
knows where the words end and the time begins.
"""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from hassil.intents import TextSlotValue
from hassil.models import MatchEntity

from edgebot.nlu import slots

_FIRM = "firm"

CLOSED_KINDS = frozenset(
    {
        "number",
        "ordinal",
        "percent",
        "duration",
        "more_time",
        "moment",
        "recurrence",
        "quantity",
        "unit",
    }
)
"""Kinds with a grammar of their own: where they begin and end can be seen."""


class ClosedValues:
    """Values of each closed kind in one text, looked for when first asked for."""

    def __init__(self, text: str, language: str, now: datetime) -> None:
        self._text = text
        self._language = language
        self._now = now
        self._found: dict[str, list[slots.Found]] = {}

    def of(self, kind: str) -> list[slots.Found]:
        """All values of ``kind``."""
        if kind not in self._found:
            self._found[kind] = slots.spans(kind, self._text, self._language, self._now)
        return self._found[kind]

    def as_list(self, kind: str) -> list[TextSlotValue]:
        """The same for hassil; the longest first."""
        firm = {each.text for each in slots.find(kind, self._text, self._language, self._now)}
        ordered = sorted(self.of(kind), key=lambda each: -len(each.text))
        return [
            replace(
                TextSlotValue.from_tuple((each.text, each.value), allow_template=False),
                metadata={_FIRM: each.text in firm},
            )
            for each in ordered
        ]


def stands_firm(entity: MatchEntity, previous: MatchEntity | None) -> bool:
    """A bare "five" is no time of day right behind open words ("buy eggs for five")."""
    if entity.metadata is None or entity.metadata.get(_FIRM, True):
        return True
    if previous is None or not previous.is_wildcard or not previous.text_span:
        return True
    return bool(entity.text_span and entity.text_span[0] - previous.text_span[1] > 1)
