"""Dialogue: acts, the record of a turn's decision, and the port."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from edgebot.core.turn import Turn

Route = Literal["command", "knowledge", "llm", "repair"]


@dataclass(frozen=True, slots=True)
class Sentence:
    """One sentence of a reply, clean and ready to be spoken."""

    text: str
    index: int


@dataclass(slots=True)
class RungRecord:
    """What one rung of the ladder of answers said to a turn."""

    rung: str
    score: float | None
    """None when it declined."""

    reason: str = ""
    """Why it declined, or what it matched."""

    details: Mapping[str, Any] = field(default_factory=dict)
    """Matched template, slots, sources, prompt … as JSON values."""


@dataclass(slots=True)
class Decision:
    """How a turn was decided: what ``edgebot explain`` tells."""

    route: Route = "repair"
    intent: str | None = None
    slots: Mapping[str, Any] = field(default_factory=dict)
    sources: tuple[str, ...] = ()
    rungs: list[RungRecord] = field(default_factory=list)
    expects_answer: bool = False
    """We asked something: the microphone opens by itself."""


class Proposal(Protocol):
    """A decided answer that has not happened yet."""

    decision: Decision

    def sentences(self) -> Iterator[Sentence]:
        """Carry the answer out (side effects happen here, and only here) and word it.

        Called at most once. The sentences that the person heard are reported through
        :meth:`Dialogue.heard`.
        """


class Dialogue(Protocol):
    """The dialogue of all sessions of one assistant."""

    def propose(self, turn: Turn, text: str) -> Proposal:
        """Decide what to do about ``text`` without any side effect."""

    def heard(self, turn: Turn, text: str) -> None:
        """Enter into the history what the person said and the words of ours they heard."""

    def close(self) -> None:
        """Flush and close what the dialogue holds open."""
