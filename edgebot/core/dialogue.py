"""Dialogue: acts, the record of a turn's decision, and the ports."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

from edgebot.core.language import Toolbox
from edgebot.core.nlu import NluContext, SlotValue
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
    """0 … 1; None when it declined."""

    reason: str = ""
    """Why it declined, or what it matched."""

    details: Mapping[str, Any] = field(default_factory=dict)
    """Matched template, slots, sources, prompt … as JSON values."""

    ms: float = 0.0
    """Milliseconds it took to say so."""


@dataclass(slots=True)
class Decision:
    """How a turn was decided: what ``edgebot explain`` tells.

    Complete once the proposal's sentences have all been taken: a skill may still ask something
    back, and a language model that fails turns ``llm`` into ``repair``.
    """

    route: Route = "repair"
    intent: str | None = None
    slots: Mapping[str, SlotValue] = field(default_factory=dict)
    sources: tuple[str, ...] = ()
    rungs: list[RungRecord] = field(default_factory=list)
    expects_answer: bool = False
    """We asked something: the microphone opens by itself."""

    whole: bool = False
    """What was said is all there: a command with everything that it needs, or a question to which
    an answer is known. Whoever says no more after it is done."""

    failure: str = ""
    """What went wrong while answering (for the log and ``explain``, never spoken)."""


class Proposal(Protocol):
    """A decided answer that has not happened yet."""

    decision: Decision

    def sentences(self) -> Iterator[Sentence]:
        """Carry the answer out (side effects happen here, and only here) and word it.

        Called at most once. Raises nothing an engine or a skill raises: the failure is told in
        :attr:`Decision.failure` and the person hears an apology. Ends quietly when cancelled.
        """


@dataclass(frozen=True, slots=True)
class Announcement:
    """Something promised that is due."""

    id: int
    kind: Literal["timer", "alarm", "reminder"]
    text: str
    """Ready to be spoken."""

    due: datetime
    """When it was due, with time zone."""

    ring: bool = True
    """It rings until silenced, and is not only said."""

    missed: bool = False
    """It came due while nobody could say so; it is told, it does not ring."""


class Scheduler(Protocol):
    """Keeps the promises: what rings, when, and exactly once. Safe from any thread and process."""

    def due(self) -> Sequence[Announcement]:
        """What has come due since the last call, oldest first; each is handed out once.

        What was handed out stays ringing until :meth:`done`. A process that dies in between has
        its share handed out again.
        """

    def next_due_s(self) -> float | None:
        """Seconds until the next promise is due (0 when one is); None when there is none."""

    def ringing(self) -> Sequence[Announcement]:
        """What was handed out and is not done."""

    def done(self, announcement: Announcement) -> None:
        """``announcement`` was heard, silenced, or has rung long enough."""

    def close(self) -> None:
        """Close the store beneath."""


class VolumeControl(Protocol):
    """The loudness of everything we play."""

    def volume(self) -> int:
        """Per cent, 0 … 100."""

    def set_volume(self, percent: int) -> None:
        """Set it; values outside 0 … 100 are clamped. Ends a mute."""

    def muted(self) -> bool:
        """Whether nothing is to be heard."""

    def mute(self, on: bool, for_s: float | None = None) -> None:
        """Silence the speaker, or let it be heard again at the volume it had.

        With ``for_s`` the silence ends by itself after so many seconds, restarts included.
        """

    def mute_left_s(self) -> float | None:
        """Seconds until a mute ends by itself; None when there is none, or none with an end."""


class SlotReader(Protocol):
    """Reads one value of a known kind out of free words: the answer to a question of ours."""

    def read(self, kind: str, text: str, now: datetime) -> SlotValue | None:
        """The value of ``kind`` (``duration``, ``moment``, ``yes_no`` …) in ``text``, or None.

        ``now``: what "tomorrow" counts from, with its time zone.
        """


class Dialogue(Protocol):
    """The dialogue of all sessions of one assistant."""

    scheduler: Scheduler
    toolbox: Toolbox

    def propose(self, turn: Turn, text: str, *, draft: bool = False) -> Proposal:
        """Decide what to do about ``text`` without any side effect.

        ``draft``: the person paused and may go on; a language model, if it comes to that, begins
        to write at once.
        """

    def prepare(self, turn: Turn, text: str) -> None:
        """The person still speaks and said ``text`` so far: whoever can works ahead."""

    def heard(self, turn: Turn, text: str) -> None:
        """Enter into the history what the person said and ``text``, our words that they heard.

        Called once a turn, after it ended or was interrupted; without it the turn is not part of
        the history.
        """

    def context(self, session: str) -> NluContext:
        """What ``session`` may say now: selects the recogniser's grammar."""

    def close(self) -> None:
        """Flush and close what the dialogue holds open."""
