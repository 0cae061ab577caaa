"""Answers to our questions, read by the slot readers of the language."""

from __future__ import annotations

from datetime import datetime

from edgebot.core.errors import UsageError
from edgebot.core.nlu import SlotValue
from edgebot.nlu import slots


class LanguageSlotReader:
    """The slot readers of one language; see ``core.dialogue.SlotReader``."""

    def __init__(self, language: str) -> None:
        self._language = language

    def read(self, kind: str, text: str, now: datetime) -> SlotValue | None:
        """The value all of ``text`` is, else the only one inside it, else None."""
        try:
            value = slots.read(kind, text, self._language, now)
            if value is not None:
                return value
            found = slots.find(kind, text, self._language, now)
        except UsageError:
            return None  # a plug-in's own kind of slot
        return found[0].value if len(found) == 1 else None
