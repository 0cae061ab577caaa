"""What happens in the assistant, told to whoever wants to know, without ever waiting for them."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

State: TypeAlias = Literal["asleep", "listening", "thinking", "speaking"]

VOICE = "voice"
"""``by`` of a turn that came in by the microphone of this machine."""


@dataclass(frozen=True, slots=True)
class StateChanged:
    """What the voice side of the assistant does now."""

    state: State


@dataclass(frozen=True, slots=True)
class Woken:
    """A wake word was heard."""

    word: str
    score: float


@dataclass(frozen=True, slots=True)
class Followed:
    """After a wake word: whether anybody said something."""

    spoke: bool


@dataclass(frozen=True, slots=True)
class PartialText:
    """The words of an utterance so far."""

    session: str
    text: str
    by: str = VOICE


@dataclass(frozen=True, slots=True)
class FinalText:
    """What a person said, spoken or typed; a turn begins with it."""

    turn: str
    session: str
    text: str
    by: str = VOICE


@dataclass(frozen=True, slots=True)
class ReplySentence:
    """A sentence of a reply, as soon as it is written. Sessions ``ring`` and ``notice`` answer
    nobody."""

    turn: str
    session: str
    text: str
    by: str = VOICE


@dataclass(frozen=True, slots=True)
class ReplyHeard:
    """What of a spoken reply was audible, once it has ended or was broken off."""

    turn: str
    session: str
    text: str


@dataclass(frozen=True, slots=True)
class TurnEnded:
    """A turn is over."""

    turn: str
    session: str
    by: str
    """``voice``, or the door it came in by: ``http``, ``openai``, ``mqtt``, ``wyoming`` …"""

    route: str
    """``command knowledge llm repair``."""

    intent: str | None
    interrupted: bool
    failed: bool
    ms: Mapping[str, float] = field(default_factory=dict)
    """Marks since the end of speech (see ``runtime.live.ledger``)."""


@dataclass(frozen=True, slots=True)
class Level:
    """Loudness at the microphone, about ten times a second."""

    db: float
    """Relative to full scale."""


@dataclass(frozen=True, slots=True)
class BargedIn:
    """Somebody broke a reply off by speaking."""

    session: str


@dataclass(frozen=True, slots=True)
class Trouble:
    """A sound device failed (``reason``) or works again (no reason)."""

    device: str
    reason: str


@dataclass(frozen=True, slots=True)
class Muted:
    """Microphone or loudspeaker were muted or opened again, or the volume was set."""

    microphone: bool
    speaker: bool
    volume: int


@dataclass(frozen=True, slots=True)
class Changed:
    """Something that is kept has changed: whoever shows it looks again."""

    what: Literal["timers", "lists", "knowledge", "settings"]


Event: TypeAlias = (
    StateChanged
    | Woken
    | Followed
    | PartialText
    | FinalText
    | ReplySentence
    | ReplyHeard
    | TurnEnded
    | Level
    | BargedIn
    | Trouble
    | Muted
    | Changed
)


class Subscription:
    """The events one subscriber has not taken yet; the oldest make room for new ones."""

    def __init__(
        self,
        leave: Callable[[Subscription], None],
        kinds: tuple[type, ...],
        capacity: int,
        wake: Callable[[], None] | None,
    ) -> None:
        self._leave = leave
        self.kinds = kinds
        self._events: deque[Event] = deque(maxlen=capacity)
        self._changed = threading.Condition()
        self._closed = False
        self._wake = wake
        self.dropped = 0
        """Events that were lost because nobody took them."""

    def put(self, event: Event) -> None:
        """Append ``event``; never waits."""
        with self._changed:
            if self._closed:
                return
            if len(self._events) == self._events.maxlen:
                self.dropped += 1
            self._events.append(event)
            self._changed.notify()
        if self._wake is not None:
            self._wake()

    def take(self) -> list[Event]:
        """Everything that waits, oldest first; does not block."""
        with self._changed:
            taken = list(self._events)
            self._events.clear()
        return taken

    def close(self) -> None:
        """Hear no more; a thread that iterates ends."""
        self._leave(self)
        with self._changed:
            self._closed = True
            self._changed.notify()

    def __iter__(self) -> Iterator[Event]:
        """For a thread: block for the next event, until :meth:`close`."""
        while True:
            with self._changed:
                while not self._events and not self._closed:
                    self._changed.wait()
                if not self._events:
                    return
                event = self._events.popleft()
            yield event


class Bus:
    """Publishes events to any number of subscribers. Safe from any thread, never blocks."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._subscriptions: tuple[Subscription, ...] = ()
        self._wanted: frozenset[type] = frozenset()

    def publish(self, event: Event) -> None:
        """Tell ``event`` to everybody who wants its kind."""
        for one in self._subscriptions:
            if not one.kinds or isinstance(event, one.kinds):
                one.put(event)

    def wanted(self, kind: type) -> bool:
        """Whether anybody asked for ``kind``: what costs something is only made then."""
        return kind in self._wanted

    def subscribe(
        self,
        *kinds: type,
        capacity: int = 256,
        wake: Callable[[], None] | None = None,
    ) -> Subscription:
        """Hear of ``kinds`` (all but :class:`Level` when none is named).

        ``wake`` is called after each event, on the publisher's thread, and must not block: an
        asyncio subscriber gives ``lambda: loop.call_soon_threadsafe(event.set)``.
        """
        chosen = kinds or tuple(kind for kind in KINDS if kind is not Level)
        subscription = Subscription(self._remove, chosen, capacity, wake)
        with self._lock:
            self._set((*self._subscriptions, subscription))
        return subscription

    def _remove(self, gone: Subscription) -> None:
        with self._lock:
            self._set(tuple(one for one in self._subscriptions if one is not gone))

    def _set(self, subscriptions: tuple[Subscription, ...]) -> None:
        self._subscriptions = subscriptions
        self._wanted = frozenset(kind for one in subscriptions for kind in one.kinds)

    def __len__(self) -> int:
        return len(self._subscriptions)


KINDS: tuple[type, ...] = Event.__args__


def fields_of(event: Event) -> dict[str, Any]:
    """The fields of ``event`` as JSON values."""
    return {name: getattr(event, name) for name in event.__dataclass_fields__}
