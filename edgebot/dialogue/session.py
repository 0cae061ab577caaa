"""What the dialogue knows of each conversation; several clients at once do not mix."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from edgebot.core.language import Message
from edgebot.core.nlu import SlotValue
from edgebot.dialogue.skill import Question, Topic


@dataclass(frozen=True, slots=True)
class Call:
    """An intent to be carried out."""

    intent: str
    slots: dict[str, SlotValue] = field(default_factory=dict)
    corrects: Topic | None = None
    confirmed: bool = False
    said: str = field(default="", compare=False)
    """The words it was understood from."""


@dataclass(frozen=True, slots=True)
class Change:
    """Something that was done and can be put right."""

    call: Call
    topic: Topic | None


@dataclass(frozen=True, slots=True)
class State:
    """One conversation at one moment. Immutable: a proposal decides on what it saw."""

    question: Question | None = None
    tries: int = 0
    """How often the open question was answered in vain."""

    queue: tuple[Call, ...] = ()
    """Commands of the same sentence that wait for the open question to be answered."""

    topic: Topic | None = None
    last_call: Call | None = None
    """What was last carried out."""

    last_change: Change | None = None
    """What was last done that can be put right."""

    last_reply: tuple[str, ...] = ()
    """The sentences of our last answer."""

    history: tuple[Message, ...] = ()
    """What was said and what was heard of us, oldest first."""

    asked_s: float = 0.0
    touched_s: float = 0.0
    """Times on the clock that does not jump."""


class Sessions:
    """The conversations, bounded in number, forgotten when idle. Safe from any thread."""

    def __init__(
        self,
        now_s: Callable[[], float],
        open_question_s: float = 30.0,
        topic_s: float = 300.0,
        idle_s: float = 3600.0,
        history_turns: int = 6,
        capacity: int = 256,
    ) -> None:
        self._now_s = now_s
        self._open_question_s = open_question_s
        self._topic_s = topic_s
        self._idle_s = idle_s
        self._history = 2 * history_turns
        self._capacity = capacity
        self._states: OrderedDict[str, State] = OrderedDict()
        self._lock = threading.Lock()

    def state(self, session: str) -> State:
        """Where ``session`` stands now; what has timed out is gone."""
        with self._lock:
            return self._current(session)

    def update(self, session: str, change: Callable[[State], State]) -> State:
        """Put ``change`` of the current state in its place."""
        with self._lock:
            state = replace(change(self._current(session)), touched_s=self._now_s())
            self._states[session] = state
            self._states.move_to_end(session)
            while len(self._states) > self._capacity:
                self._states.popitem(last=False)
            return state

    def remember(self, session: str, said: str, heard: str) -> None:
        """Enter one exchange into the history."""
        exchange = (Message("user", said), *([Message("assistant", heard)] if heard else []))

        def append(state: State) -> State:
            history = (*state.history, *exchange)[-self._history :] if self._history else ()
            return replace(state, history=history)

        self.update(session, append)

    def ask_now(self, session: str) -> None:
        """The open question was heard only now: its time to be answered begins."""
        now = self._now_s()
        self.update(session, lambda state: replace(state, asked_s=now) if state.question else state)

    def ask(self, state: State, question: Question, queue: tuple[Call, ...] = ()) -> State:
        """``state`` with ``question`` open from now on."""
        return replace(state, question=question, queue=queue, tries=0, asked_s=self._now_s())

    def __len__(self) -> int:
        with self._lock:
            return len(self._states)

    def _current(self, session: str) -> State:
        now = self._now_s()
        state = self._states.get(session, State())
        idle = now - state.touched_s
        if idle > self._idle_s:
            self._states.pop(session, None)
            return State(touched_s=now)
        if state.question is not None and now - state.asked_s > self._open_question_s:
            state = replace(state, question=None, queue=(), tries=0)
        if idle > self._topic_s:
            state = replace(state, topic=None, last_call=None, last_change=None)
        return state
