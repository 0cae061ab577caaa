"""From what was said to what is to be done: "it", "no, fifteen minutes", "and in Paris?"."""

from __future__ import annotations

from datetime import datetime

from edgebot.core.dialogue import SlotReader
from edgebot.core.nlu import Parse, SlotValue
from edgebot.dialogue import intents, moments
from edgebot.dialogue.clock import Clock
from edgebot.dialogue.session import Call, State
from edgebot.dialogue.skill import Intent, Slot
from edgebot.dialogue.skillset import SkillSet

MAX_FOLLOW_UP_WORDS = 6
"""What is longer is a sentence of its own, whatever it begins with."""


class Unresolved(Exception):
    """The words refer to something that is not there; the message says what."""

    def __init__(self, reason: str, reply: str = "") -> None:
        super().__init__(reason)
        self.reply = reply
        """Reply key that tells the person, when it is sure what they meant."""


class Resolver:
    """Turns parses into calls, given where the conversation stands."""

    def __init__(self, skills: SkillSet, reader: SlotReader | None, clock: Clock) -> None:
        self._skills = skills
        self._reader = reader
        self._clock = clock

    def call(self, parse: Parse, state: State) -> Call:
        """What ``parse`` means; raises :class:`Unresolved`."""
        if parse.intent == intents.CANCEL_IT:
            return self.verb("cancel", state)
        if parse.intent == intents.CORRECT:
            return self._correction(parse, state)
        if parse.intent == intents.FOLLOW_UP:
            return self._follow_up(parse, state)
        if parse.intent is None or parse.intent in intents.OWN:
            raise Unresolved(f"{parse.intent} has no meaning here")
        return Call(parse.intent, dict(parse.slots), said=parse.text)

    def verb(self, verb: str, state: State) -> Call:
        """What is done to "it" by ``verb``; raises :class:`Unresolved`."""
        if state.topic is None or verb not in state.topic.verbs:
            raise Unresolved(f"nothing was spoken of that one can {verb}", "topic.none")
        return Call(state.topic.verbs[verb], dict(state.topic.refers))

    def read(self, slot: Slot, text: str) -> SlotValue | None:
        """The value of ``slot`` in free words; None when there is none."""
        if slot.kind in ("text", "name") and self._reader is None:
            return text.strip() or None
        if self._reader is None:
            return None
        value = self._reader.read(slot.kind, text, self._now())
        return (text.strip() or None) if value is None and slot.kind == "text" else value

    def _now(self) -> datetime:
        return self._clock.utc().astimezone(self._clock.zone)

    def _correction(self, parse: Parse, state: State) -> Call:
        """The last thing that was set, set differently; else the last question, asked anew."""
        change = state.last_change
        tries = [(change.call, change.topic)] if change else []
        tries += [(state.last_call, None)] if state.last_call else []
        for call, topic in tries:
            found = self._skills.find(call.intent)
            slots = self._corrected(found[1], call, parse) if found else None
            if slots is not None:
                return Call(call.intent, {**call.slots, **slots}, corrects=topic)
        raise Unresolved("nothing was done that it could put right")

    def _corrected(self, declared: Intent, call: Call, parse: Parse) -> dict[str, SlotValue] | None:
        """The slots of ``call`` that ``parse`` gives other values; None when it does not fit."""
        slots: dict[str, SlotValue] = {}
        for kind, value in parse.slots.items():
            if kind == "wrong":
                continue
            slot = _slot_of_kind(declared, kind, call)
            if slot is None and kind == "moment":  # "no, twenty" may be eight pm or minutes
                kind, value = "number", self._last_number(parse.text)
                slot = _slot_of_kind(declared, kind, call)
            if slot is None and kind == "duration":  # "make it an hour": in an hour, instead
                kind, value = "moment", moments.from_now(value, self._now())
                slot = _slot_of_kind(declared, kind, call)
            if slot is None or value is None:
                return None
            given = value
            if kind == "text":
                given = self.read(slot, str(value))
            elif kind == "moment":
                given = moments.corrected(call.slots.get(slot.name), value, self._now())
            elif kind == "number" and slot.kind == "duration":
                given = value * _unit_s(call.slots[slot.name])
            if given is None:
                return None
            slots[slot.name] = given
        return slots

    def _last_number(self, text: str) -> SlotValue | None:
        """The number that ``text`` ends with ("make it twenty")."""
        words = text.split()
        ends = (" ".join(words[start:]) for start in range(len(words)))
        found = (self.read(Slot("value", "number"), end) for end in ends)
        return next((value for value in found if value is not None), None)

    def _follow_up(self, parse: Parse, state: State) -> Call:
        found = self._skills.find(state.last_call.intent) if state.last_call else None
        if found is None or state.last_call is None:
            raise Unresolved("nothing was asked that it could follow")
        declared = found[1]
        slot = declared.slot(declared.follow_up)
        if slot is None:
            raise Unresolved(f"{declared.name} cannot be asked about something else")
        text = str(parse.slots.get("text", ""))
        value = self.read(slot, text) if len(text.split()) <= MAX_FOLLOW_UP_WORDS else None
        if value is None:
            raise Unresolved(f"there is no {slot.kind} in it")
        return Call(declared.name, {**state.last_call.slots, slot.name: value})


def _slot_of_kind(declared: Intent, kind: str, call: Call) -> Slot | None:
    """The slot a value of ``kind`` goes to: one that was filled before any other.

    Free words may stand for any slot of words or items, a bare number for a length of time.
    """
    kinds = {
        "text": ("item_list", "name", "text"),
        "number": ("number", "percent", "duration"),
    }.get(kind, (kind,))
    fitting = [slot for slot in declared.slots if slot.kind in kinds]
    filled = [slot for slot in fitting if call.slots.get(slot.name) is not None]
    if filled:
        return filled[0]
    return next((slot for slot in fitting if slot.kind == kind), None)


def _unit_s(seconds: float) -> int:
    """The unit a length of time was given in: 600 was minutes."""
    return next((unit for unit in (3600, 60) if seconds % unit == 0), 1)
