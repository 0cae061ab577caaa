"""Reminders: something to be told at a time."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any

from edgebot.dialogue import moments
from edgebot.dialogue.clock import Clock
from edgebot.dialogue.skill import NOTHING, Intent, Outcome, Phrase, Request, Slot, Topic, ask
from edgebot.dialogue.skills.choosing import confirm, which
from edgebot.dialogue.skills.person import said_back
from edgebot.dialogue.store.promises import Promise
from edgebot.dialogue.store.store import Store

MOST = 200
MAX_CHARACTERS = 300

TEXT = Slot("text", "text", "what to remind of", prompt="reminders.of_what")
MOMENT = Slot("moment", "moment", 'when, such as "tomorrow at noon" or "in ten minutes"')
RECURRENCE = Slot("recurrence", "recurrence", 'how often, such as "every Monday at nine"')
ABOUT = Slot("about", "text", "words of the reminder that is meant")

INTENTS = (
    Intent(
        "reminder_set",
        "Remind the person of something.",
        (TEXT, MOMENT, RECURRENCE),
        correctable=True,
    ),
    Intent("reminder_list", "Tell which reminders are set.", (MOMENT,), follow_up="moment"),
    Intent("reminder_cancel", "Remove one reminder.", (ABOUT,), tool=False),
    Intent("reminder_cancel_all", "Remove all reminders.", irreversible=True, tool=False),
)
VERBS = {"cancel": "reminder_cancel"}
ID = "reminder_id"


class Reminders:
    """Tells people what they asked to be told."""

    name = "reminders"
    intents = INTENTS

    def __init__(self, store: Store, clock: Clock, language: str) -> None:
        self._promises = store.promises
        self._clock = clock
        self._language = language
        self._actions: dict[str, Callable[[Request], Outcome]] = {
            "reminder_set": self._set,
            "reminder_list": self._list,
            "reminder_cancel": self._cancel,
            "reminder_cancel_all": self._cancel_all,
        }

    def handle(self, request: Request) -> Outcome:
        """Do what the intent says."""
        return self._actions[request.intent](request)

    def _set(self, request: Request) -> Outcome:
        moment = request.slots.get("moment")
        if not request.slots.get("text"):
            # A time that cannot be is told before anybody thinks about the words.
            if moment and moment["past"] and moment["has_date"]:
                return _ask_when(request, "reminders.past")
            return Outcome(question=ask(TEXT, request.intent, request.slots))
        text = said_back(str(request.slots["text"]), self._language)
        if len(text) > MAX_CHARACTERS:
            return Outcome("reminders.too_long")
        if value := request.slots.get("recurrence"):
            return self._set_recurring(request, text, value)
        if not moment:
            return _ask_when(request, "reminders.when")
        if day := request.slots.get("day"):
            moment = moments.on_day(day, moment, request.now)
        if not moment["has_time"] and not moment["past"]:
            moment = moments.at_nine(moment, request.now)
            if moment is None:  # "today", and it is past nine already
                return _ask_when(request, "reminders.at_what_time")
        if moment["past"]:
            return _ask_when(request, "reminders.past")
        when = moments.at(moment)
        if when - request.now > moments.FARTHEST:
            return _ask_when(request, "reminders.too_far")
        return self._keep(request, text, when)

    def _keep(self, request: Request, text: str, when: datetime) -> Outcome:
        topic = request.corrects
        if topic is not None and topic.kind == "reminder":
            moved = self._promises.move(topic.refers[ID], when)
            if moved is not None:
                moved = self._promises.relabel(moved.id, text) or moved
                return self._about(moved, "reminders.moved")
        if len(self._promises.open("reminder")) >= MOST:
            return Outcome("reminders.too_many")
        reminder = self._promises.add("reminder", when, text, request.session)
        return self._about(reminder, "reminders.set")

    def _set_recurring(self, request: Request, text: str, value: Mapping[str, Any]) -> Outcome:
        if moment := request.slots.get("moment"):
            value = {**value, "at": f"{moments.at(moment):%H:%M}"}
        if value.get("every_s") is None and not value.get("at"):
            value = {**value, "at": f"{moments.MORNING:%H:%M}"}
        rule = moments.recurrence_of(value)
        if rule is None:
            return Outcome("alarms.odd_recurrence")
        if request.corrects is not None and request.corrects.kind == "reminder":
            self._promises.cancel([request.corrects.refers[ID]])
        reminder = self._promises.add_recurring("reminder", rule, text, request.session)
        return self._about(reminder, "reminders.set_recurring", rule=rule.as_json())

    def _list(self, request: Request) -> Outcome:
        reminders = self._promises.open("reminder")
        if moment := request.slots.get("moment"):
            day = moments.at(moment).date()
            reminders = [one for one in reminders if self._local(one).date() == day]
            if not reminders:
                return Outcome("reminders.none_on", {"day": day})
        if not reminders:
            return Outcome("reminders.none")
        items = [self._item(reminder) for reminder in reminders]
        if len(items) == 1:
            return self._about(reminders[0], "reminders.one", item=items[0])
        return Outcome("reminders.several", {"count": len(items), "items": items})

    def _cancel(self, request: Request) -> Outcome:
        reminders = self._promises.open("reminder")
        if not reminders:
            return Outcome("reminders.none")
        found = self._meant(request, reminders)
        if not found:
            return Outcome("reminders.unknown")
        if len(found) > 1:
            return which(request, found, ID, "reminders.which", self._item)
        self._promises.cancel([found[0].id])
        return Outcome("reminders.cancelled", {"label": found[0].label}, topic=NOTHING)

    @staticmethod
    def _meant(request: Request, reminders: list[Promise]) -> list[Promise]:
        if ID in request.slots:
            return [one for one in reminders if one.id == request.slots[ID]]
        if about := request.slots.get("about"):
            wanted = set(str(about).casefold().split())
            common = [len(wanted & set(one.label.casefold().split())) for one in reminders]
            best = max(common)
            return [one for one, n in zip(reminders, common, strict=True) if best and n == best]
        spoken_of = request.topic.refers.get(ID) if request.topic else None
        return [one for one in reminders if one.id == spoken_of] or reminders

    def _cancel_all(self, request: Request) -> Outcome:
        reminders = self._promises.open("reminder")
        if not reminders:
            return Outcome("reminders.none")
        if not request.confirmed:
            return confirm(request, "reminders.confirm_all", len(reminders))
        self._promises.cancel([reminder.id for reminder in reminders])
        return Outcome("reminders.all_cancelled", {"count": len(reminders)}, topic=NOTHING)

    def _item(self, reminder: Promise) -> Phrase:
        if reminder.recurrence is not None:
            rule = reminder.recurrence.as_json()
            recurring: dict[str, Any] = {"rule": rule, "label": reminder.label}
            return Phrase("reminders.item_recurring", recurring)
        args = {"due": self._local(reminder), "label": reminder.label}
        return Phrase("reminders.item", args)

    def _local(self, reminder: Promise) -> datetime:
        assert reminder.due is not None
        return reminder.due.astimezone(self._clock.zone)

    def _about(self, reminder: Promise, reply: str, **args: Any) -> Outcome:
        topic = Topic("reminder", {ID: reminder.id}, VERBS)
        known = {"label": reminder.label, "due": self._local(reminder)}
        return Outcome(reply, {**known, **args}, topic=topic)


def _ask_when(request: Request, reply: str) -> Outcome:
    known = {name: value for name, value in request.slots.items() if name != "moment"}
    moment = request.slots.get("moment")
    if moment and reply == "reminders.at_what_time":
        known["day"] = moment
    elif moment:
        known.pop("day", None)
    return Outcome(question=ask(MOMENT, request.intent, known, reply))
