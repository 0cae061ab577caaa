"""What a rung offers to do: decided now, done only when the turn is confirmed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from edgebot.core.dialogue import Route
from edgebot.core.knowledge import Passage
from edgebot.core.nlu import SlotValue
from edgebot.dialogue.session import Call


@dataclass(frozen=True, slots=True)
class Commands:
    """Carry out these intents, one after the other."""

    calls: tuple[Call, ...]


@dataclass(frozen=True, slots=True)
class Stop:
    """Silence what rings and drop the question that is open."""


@dataclass(frozen=True, slots=True)
class AskAgain:
    """The answer to our open question could not be used: ask once more."""


@dataclass(frozen=True, slots=True)
class Say:
    """Say the reply of this key; the open question is dropped."""

    key: str
    args: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Tell:
    """Say these words."""

    text: str


@dataclass(frozen=True, slots=True)
class Talk:
    """Let the language model answer."""

    passages: tuple[Passage, ...] = ()
    otherwise: str = ""
    """Said when the model's answer is not borne out by the passages, or does not come."""


Act: TypeAlias = Commands | Stop | AskAgain | Say | Tell | Talk


@dataclass(frozen=True, slots=True)
class Offer:
    """A rung can answer."""

    act: Act
    score: float
    """0 … 1."""

    route: Route = "command"
    reason: str = ""
    intent: str | None = None
    slots: Mapping[str, SlotValue] = field(default_factory=dict)
    sources: tuple[str, ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)
    whole: bool = False
    """Nothing is missing from the words; see :attr:`Decision.whole`."""

    stands_by: bool = False
    """Taken only when no rung above the last resort has something better."""


@dataclass(frozen=True, slots=True)
class Declined:
    """A rung cannot answer."""

    reason: str
    details: Mapping[str, Any] = field(default_factory=dict)
