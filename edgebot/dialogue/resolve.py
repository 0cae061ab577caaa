"""From what was said to what is to be done: "it", "no, fifteen minutes", "and in Paris?"."""

from __future__ import annotations

from edgebot.core.dialogue import SlotReader
from edgebot.core.nlu import Parse, SlotValue
from edgebot.dialogue import intents
from edgebot.dialogue.clock import Clock
from edgebot.dialogue.session import Call, State
from edgebot.dialogue.skill import Intent, Slot
from edgebot.dialogue.skillset import SkillSet


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
        return Call(parse.intent, dict(parse.slots))

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
        now = self._clock.utc().astimezone(self._clock.zone)
        value = self._reader.read(slot.kind, text, now)
        return (text.strip() or None) if value is None and slot.kind == "text" else value

    def _correction(self, parse: Parse, state: State) -> Call:
        declared = self._last(state)
        slots = {}
        for kind, value in parse.slots.items():
            slot = self._slot_of_kind(declared, kind, state)
            given = self.read(slot, str(value)) if slot and kind == "text" else value
            if slot is None or given is None:
                raise Unresolved(f"{declared.name} has no slot of kind {kind}")
            slots[slot.name] = given
        assert state.last_call is not None
        merged = {**state.last_call.slots, **slots}
        return Call(declared.name, merged, corrects=state.topic, confirmed=False)

    def _follow_up(self, parse: Parse, state: State) -> Call:
        declared = self._last(state)
        slot = declared.slot(declared.follow_up)
        if slot is None:
            raise Unresolved(f"{declared.name} cannot be asked about something else")
        value = self.read(slot, str(parse.slots.get("text", "")))
        if value is None:
            raise Unresolved(f"there is no {slot.kind} in it")
        assert state.last_call is not None
        return Call(declared.name, {**state.last_call.slots, slot.name: value})

    def _last(self, state: State) -> Intent:
        found = self._skills.find(state.last_call.intent) if state.last_call else None
        if found is None:
            raise Unresolved("nothing was done that it could refer to")
        return found[1]

    @staticmethod
    def _slot_of_kind(declared: Intent, kind: str, state: State) -> Slot | None:
        """The slot a value of ``kind`` goes to: one that was filled before any other.

        Free words may stand for any slot of words or items.
        """
        kinds = ("item_list", "name", "text") if kind == "text" else (kind,)
        fitting = [slot for slot in declared.slots if slot.kind in kinds]
        filled = state.last_call.slots if state.last_call else {}
        return next((slot for slot in fitting if slot.name in filled), next(iter(fitting), None))
