"""What a skill is: declared intents, and a function from a request to an outcome.

A skill names no words of any language: it returns the key of a reply and the values to put in.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal, Protocol

from edgebot.core.nlu import SlotValue

OWNER = "owner"
"""Slot that holds whose the thing is that is spoken of; only the one who runs calls puts it in."""


@dataclass(frozen=True, slots=True)
class Slot:
    """One thing an intent needs to know."""

    name: str
    kind: str = "text"
    """As in the sentence files: ``duration``, ``moment``, ``number``, ``item_list`` …"""

    description: str = ""
    """For the language model that may call the intent as a tool."""

    required: bool = False
    prompt: str = ""
    """Reply key of the question that asks for it; ``ask.KIND`` when empty."""

    choices: tuple[str, ...] = ()
    """The only values allowed; empty when any will do."""


@dataclass(frozen=True, slots=True)
class Intent:
    """One thing a skill can do."""

    name: str
    """Unique; the same as in the sentence files."""

    description: str
    """One sentence, for the language model and for the documentation."""

    slots: tuple[Slot, ...] = ()
    irreversible: bool = False
    """Cannot be undone: never carried out without a yes (see :attr:`confirm`)."""

    confirm: str = ""
    """Reply key of the yes/no question asked first. An irreversible intent without it asks by
    itself while :attr:`Request.confirmed` is False."""

    follow_up: str = ""
    """The slot that "what about …?" fills with another value; empty when it makes no sense."""

    correctable: bool = False
    """What it did can be put right by "no, fifteen minutes": it honours
    :attr:`Request.corrects`."""

    tentative: bool = False
    """The skill may not know: it has a method ``knows(intent, slots) -> bool`` without side
    effects; where it is :attr:`personal`, that is asked with the person's name behind. Where it
    does not, documents are asked first, and the skill's own "I don't know" comes
    before the language model."""

    aside: bool = False
    """Leaves a question of ours open ("what did you say?")."""

    tool: bool = True
    """Offered to the language model."""

    personal: bool = False
    """What it is about may belong to the person who speaks (:attr:`Request.owner`): who says one of
    the words in the skill's ``mine``, where that is known."""

    def slot(self, name: str) -> Slot | None:
        """The slot called ``name``."""
        return next((slot for slot in self.slots if slot.name == name), None)


@dataclass(frozen=True, slots=True)
class Topic:
    """What a skill just did or spoke about, so that "it" can be understood."""

    kind: str
    """``timer``, ``alarm``, ``list`` …"""

    refers: Mapping[str, SlotValue] = field(default_factory=dict)
    """What the skill needs to find it again: JSON values, such as ``{"id": 3}``."""

    verbs: Mapping[str, str] = field(default_factory=dict)
    """What can be done to "it": ``cancel``, ``undo`` … → the intent that does it."""


NOTHING = Topic("")
"""After something was called off, "it" is nothing any more."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """A piece of a reply with its own template: one timer in a list of timers."""

    reply: str
    args: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Option:
    """One answer to "which one?"."""

    label: str | Phrase
    """As it is spoken, and as it may be said back."""

    value: SlotValue


@dataclass(frozen=True, slots=True)
class Question:
    """A question of ours that the next utterance may answer."""

    kind: Literal["slot", "yes_no", "choice"]
    intent: str
    """What is carried on with once it is answered."""

    reply: str
    """Key of its wording."""

    args: Mapping[str, Any] = field(default_factory=dict)
    slots: Mapping[str, SlotValue] = field(default_factory=dict)
    """What is known already."""

    slot: str = ""
    """The slot that the answer fills (``slot``, ``choice``)."""

    slot_kind: str = "text"
    options: tuple[Option, ...] = ()
    no: str = "confirm.declined"
    """Reply key for a no."""


@dataclass(frozen=True, slots=True)
class Request:
    """What a skill is asked to do."""

    intent: str
    slots: Mapping[str, SlotValue]
    text: str
    """The person's own words."""

    session: str
    now: datetime
    """Local time, with its zone."""

    topic: Topic | None = None
    """What the session last spoke about, if that is recent."""

    corrects: Topic | None = None
    """Set when the person puts right what was just done: change this instead of doing it anew."""

    confirmed: bool = False
    """The person said yes to doing this."""

    last_reply: str = ""
    """The words of our last answer."""

    person: str = ""
    """Who speaks, where voices are told apart and this one is known."""

    owner: str = ""
    """Whose the thing is that was spoken of: the person's, who called it "mine"; else empty."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What came of a request."""

    reply: str = ""
    """Key of the reply; a question alone needs none."""

    args: Mapping[str, Any] = field(default_factory=dict)
    """Values for the placeholders; a :class:`Phrase`, or a list of them, is worded first."""

    text: str = ""
    """Finished words instead of a key (a plug-in's shortcut)."""

    question: Question | None = None
    """What we ask back, worded after the reply."""

    topic: Topic | None = None
    """What "it" is from now on; None leaves it as it was."""


class Skill(Protocol):
    """A group of intents that belong together. :meth:`handle` may be called from any thread."""

    @property
    def name(self) -> str:
        """Unique among the skills."""

    @property
    def intents(self) -> Sequence[Intent]:
        """What it can do; the same for as long as the program runs."""

    def handle(self, request: Request) -> Outcome:
        """Do what ``request`` asks. Called only once the person has finished speaking.

        May raise anything: the person hears an apology, the log names the skill.
        """


def ask(slot: Slot, intent: str, slots: Mapping[str, SlotValue], reply: str = "") -> Question:
    """The question that asks for a missing (or refused) slot."""
    return Question(
        kind="slot",
        intent=intent,
        reply=reply or slot.prompt or f"ask.{slot.kind}",
        slots=slots,
        slot=slot.name,
        slot_kind=slot.kind,
    )
