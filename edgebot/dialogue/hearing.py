"""One utterance on its way down the ladder, and what was already found out about it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from edgebot.core.knowledge import KnowledgeBase, Passage
from edgebot.core.nlu import NluContext, Parse, Understander
from edgebot.core.turn import Turn
from edgebot.dialogue.session import State

MAX_COMMAND_CHARACTERS = 400
"""What is longer is no command; matching templates against it would only take time."""


@dataclass(slots=True)
class Hearing:
    """What the rungs are asked about."""

    turn: Turn
    text: str
    state: State
    context: NluContext
    _parses: Sequence[Parse] | None = field(default=None, init=False)
    _passages: Sequence[Passage] | None = field(default=None, init=False)

    @property
    def is_long(self) -> bool:
        """Too long for a command."""
        return len(self.text) > MAX_COMMAND_CHARACTERS

    def parses(self, understander: Understander) -> Sequence[Parse]:
        """The template matches, looked for once however many rungs ask."""
        if self._parses is None:
            self._parses = () if self.is_long else understander.match(self.text, self.context)
        return self._parses

    def passages(self, knowledge: KnowledgeBase) -> Sequence[Passage]:
        """What was retrieved, once however many rungs ask."""
        if self._passages is None:
            self._passages = knowledge.search(self.text)
        return self._passages
