"""Alarms: once or recurring, with snooze and skip."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Any

from edgebot.dialogue import moments
from edgebot.dialogue.clock import Clock
from edgebot.dialogue.skill import NOTHING, Intent, Outcome, Request, Slot, Topic, ask
from edgebot.dialogue.skills.alarm_book import ID, AlarmBook
from edgebot.dialogue.skills.choosing import confirm, which
from edgebot.dialogue.store.promises import Promise
from edgebot.dialogue.store.schedule import Ring
from edgebot.dialogue.store.store import Store

SNOOZE_S = 600.0
MOST = 50

MOMENT = Slot("moment", "moment", 'when, such as "seven thirty am" or "tomorrow at six"')
RECURRENCE = Slot("recurrence", "recurrence", 'how often, such as "every weekday at seven"')
LABEL = Slot("label", "name", "what the alarm is for")
NEW = Slot("new_moment", "moment", "the new time", required=True, prompt="ask.moment")
DURATION = Slot("duration", "duration", "how long")
WHICH = (MOMENT, RECURRENCE, LABEL)

INTENTS = (
    Intent("alarm_set", "Set an alarm, once or recurring.", WHICH, correctable=True),
    Intent("alarm_list", "Tell which alarms are set.", (MOMENT,), follow_up="moment"),
    Intent("alarm_next", "Tell when the next alarm is.", tool=False),
    Intent("alarm_cancel", "Remove one alarm, or silence the one that rings.", WHICH),
    Intent(
        "alarm_cancel_all",
        "Remove all alarms, or all of one day.",
        (MOMENT,),
        irreversible=True,
        tool=False,
    ),
    Intent("alarm_change", "Move an alarm to another time.", (NEW, *WHICH), tool=False),
    Intent(
        "alarm_snooze", "Silence the alarm and let it ring again later.", (DURATION,), tool=False
    ),
    Intent("alarm_skip", "Leave out the next time of a recurring alarm.", WHICH, tool=False),
)
VERBS = {"cancel": "alarm_cancel"}


class Alarms:
    """Wakes people."""

    name = "alarms"
    intents = INTENTS

    def __init__(self, store: Store, clock: Clock) -> None:
        self._promises = store.promises
        self._schedule = store.schedule
        self._clock = clock
        self._book = AlarmBook(store.promises, clock)
        self._actions: dict[str, Callable[[Request], Outcome]] = {
            "alarm_set": self._set,
            "alarm_list": self._list,
            "alarm_next": self._next,
            "alarm_cancel": self._cancel,
            "alarm_cancel_all": self._cancel_all,
            "alarm_change": self._change,
            "alarm_snooze": self._snooze,
            "alarm_skip": self._skip,
        }

    def handle(self, request: Request) -> Outcome:
        """Do what the intent says."""
        return self._actions[request.intent](request)

    def _set(self, request: Request) -> Outcome:
        if value := request.slots.get("recurrence"):
            return self._set_recurring(request, value)
        moment = request.slots.get("moment")
        if not moment:
            return _ask_when(request, request.slots)
        if day := request.slots.get("day"):
            moment = moments.on_day(day, moment, request.now)
        elif not moment["has_time"] and not moment["past"]:
            known = {**request.slots, "day": moment, "moment": None}
            return _ask_when(request, known, "alarms.at_what_time")
        another_day = moment["has_date"] and moments.at(moment).date() > request.now.date()
        if request.slots.get("wake") or another_day:  # "tomorrow at six" is meant to wake
            moment = moments.in_the_morning(moment, request.now)
        if moment["past"]:
            return _ask_when(request, _without(request, "moment", "day"), "alarms.past")
        when = moments.at(moment)
        if when - request.now > moments.FARTHEST:
            return _ask_when(request, _without(request, "moment", "day"), "alarms.too_far")
        if moved := self._corrected(request, when):
            return _about(moved, self._book.local(moved), "alarms.moved")
        if len(self._promises.open("alarm")) >= MOST:
            return Outcome("alarms.too_many")
        label = request.slots.get("label") or ""
        alarm = self._promises.add("alarm", when, label, request.session)
        return _about(alarm, self._book.local(alarm), "alarms.set_named" if label else "alarms.set")

    def _set_recurring(self, request: Request, value: Mapping[str, Any]) -> Outcome:
        if moment := request.slots.get("moment"):  # "every weekday" … "at seven"
            open_half = bool(moment.get("ambiguous_half_day"))
            at = f"{moments.at(moment):%H:%M}"
            value = {**value, "at": at, "ambiguous_half_day": open_half}
        if value.get("every_s") is None and not value.get("at"):
            return _ask_when(request, request.slots, "alarms.at_what_time")
        rule = moments.recurrence_of(moments.early(value))
        if rule is None:
            return Outcome("alarms.odd_recurrence")
        if request.corrects is not None and request.corrects.kind == "alarm":
            self._promises.cancel([request.corrects.refers[ID]])
        label = request.slots.get("label") or ""
        alarm = self._promises.add_recurring("alarm", rule, label, request.session)
        return _about(alarm, self._book.local(alarm), "alarms.set_recurring")

    def _corrected(self, request: Request, when: datetime) -> Promise | None:
        topic = request.corrects
        if topic is None or topic.kind != "alarm":
            return None
        return self._promises.move(topic.refers[ID], when)

    def _list(self, request: Request) -> Outcome:
        alarms = self._book.of_day(request)
        if not alarms:
            return Outcome("alarms.none")
        if len(alarms) == 1:
            only = alarms[0]
            return _about(only, self._book.local(only), "alarms.one", item=self._book.item(only))
        items = [self._book.item(alarm) for alarm in alarms]
        return Outcome("alarms.several", {"count": len(alarms), "items": items})

    def _next(self, request: Request) -> Outcome:
        alarms = self._promises.open("alarm")
        if not alarms:
            return Outcome("alarms.none")
        left = max(60.0, round(alarms[0].left_s / 60) * 60)
        return _about(alarms[0], self._book.local(alarms[0]), "alarms.next", left=left)

    def _cancel(self, request: Request) -> Outcome:
        if not any(request.slots.get(slot.name) for slot in WHICH) and self._silence():
            return Outcome("stop.silenced")
        return self._on_one(request, self._cancel_one)

    def _cancel_one(self, request: Request, alarm: Promise) -> Outcome:
        self._promises.cancel([alarm.id])
        return Outcome("alarms.cancelled", {"item": self._book.item(alarm)}, topic=NOTHING)

    def _cancel_all(self, request: Request) -> Outcome:
        alarms = self._book.of_day(request)
        if not alarms:
            return Outcome("stop.silenced" if self._silence() else "alarms.none")
        if not request.confirmed:
            some = "moment" in request.slots
            reply = "alarms.confirm_some" if some else "alarms.confirm_all"
            return confirm(request, reply, len(alarms))
        self._promises.cancel([alarm.id for alarm in alarms])
        return Outcome("alarms.all_cancelled", {"count": len(alarms)}, topic=NOTHING)

    def _change(self, request: Request) -> Outcome:
        return self._on_one(request, self._change_one)

    def _change_one(self, request: Request, alarm: Promise) -> Outcome:
        moment = request.slots["new_moment"]
        if not moment["has_date"]:  # another time, the same day
            now = request.now
            moment = {
                **moment,
                **moments.on_day({"at": self._book.local(alarm).isoformat()}, moment, now),
            }
        if moment["past"]:
            return Outcome("alarms.change_past")
        when = moments.at(moment)
        if alarm.recurrence is not None:
            self._promises.cancel([alarm.id])
            value = {**alarm.recurrence.as_json(), "at": f"{when:%H:%M}"}
            rule = moments.recurrence_of(value) or alarm.recurrence
            again = self._promises.add_recurring("alarm", rule, alarm.label, request.session)
            return _about(again, self._book.local(again), "alarms.set_recurring")
        moved = self._promises.move(alarm.id, when) or alarm
        return _about(moved, self._book.local(moved), "alarms.moved")

    def _snooze(self, request: Request) -> Outcome:
        length = request.slots.get("duration") or SNOOZE_S
        if not 1 <= length <= 86_400:
            return Outcome("alarms.snooze_odd")
        rings = [ring for ring in self._schedule.ringing() if not ring.missed]
        if not rings:
            return Outcome("alarms.nothing_rings")
        for ring in rings:
            self._again(ring, length, request.session)
        return Outcome("alarms.snoozed", {"duration": length})

    def _again(self, ring: Ring, length_s: float, session: str) -> None:
        if ring.kind == "timer":
            self._promises.add_timer(length_s, ring.label, session)
        else:
            due = self._clock.utc() + timedelta(seconds=length_s)
            self._promises.add(ring.kind, due, ring.label, session)
        self._schedule.done(ring.id)

    def _skip(self, request: Request) -> Outcome:
        recurring = [alarm for alarm in self._promises.open("alarm") if alarm.recurrence]
        if not recurring:
            return Outcome("alarms.none_recurring")
        return self._on_one(request, self._skip_one, recurring)

    def _skip_one(self, request: Request, alarm: Promise) -> Outcome:
        assert alarm.recurrence is not None and alarm.due is not None
        skipped = self._book.local(alarm)
        later = self._promises.move(alarm.id, alarm.recurrence.after(alarm.due, self._clock.zone))
        due = self._book.local(later or alarm)
        return _about(alarm, due, "alarms.skipped", skipped=skipped)

    def _on_one(
        self,
        request: Request,
        action: Callable[[Request, Promise], Outcome],
        among: list[Promise] | None = None,
    ) -> Outcome:
        alarms = self._promises.open("alarm") if among is None else among
        if not alarms:
            return Outcome("alarms.none")
        found = self._book.meant(request, alarms)
        if len(found) == 1:
            return action(request, found[0])
        if not found:
            return Outcome("alarms.unknown")
        return which(request, found, ID, "alarms.which", self._book.item)

    def _silence(self) -> bool:
        rings = [ring for ring in self._schedule.ringing() if ring.kind != "timer"]
        for ring in rings:
            self._schedule.done(ring.id)
        return bool(rings)


def _ask_when(request: Request, known: Mapping[str, Any], reply: str = "") -> Outcome:
    return Outcome(question=ask(MOMENT, request.intent, known, reply or "alarms.when"))


def _without(request: Request, *names: str) -> dict[str, Any]:
    return {name: value for name, value in request.slots.items() if name not in names}


def _about(alarm: Promise, due: datetime, reply: str, **args: object) -> Outcome:
    rule = alarm.recurrence.as_json() if alarm.recurrence else {}
    topic = Topic("alarm", {ID: alarm.id}, VERBS)
    return Outcome(reply, {"label": alarm.label, "due": due, "rule": rule, **args}, topic=topic)
