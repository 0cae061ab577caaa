"""The alarms that are set: which ones are meant, and how each is called."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from edgebot.dialogue import moments
from edgebot.dialogue.clock import Clock
from edgebot.dialogue.skill import Phrase, Request
from edgebot.dialogue.store.promises import Promise, Promises

ID = "alarm_id"
"""Slot that names an alarm by its number in the store: for "it" and for "which one?"."""


class AlarmBook:
    """Looks alarms up."""

    def __init__(self, promises: Promises, clock: Clock) -> None:
        self._promises = promises
        self._clock = clock

    def of_day(self, request: Request) -> list[Promise]:
        """The alarms that are open, those of the day asked about if there is one."""
        alarms = self._promises.open("alarm")
        moment = request.slots.get("moment")
        if not moment or not moment["has_date"]:
            return [one for one in alarms if not moment or self._fits(one, moment)]
        day = moments.at(moment).date()
        return [one for one in alarms if self.local(one).date() == day]

    def meant(self, request: Request, alarms: list[Promise]) -> list[Promise]:
        """Those of ``alarms`` that the request may mean; one when it is clear."""
        slots = request.slots
        if ID in slots:
            return [alarm for alarm in alarms if alarm.id == slots[ID]]
        found = alarms
        if label := slots.get("label"):
            found = [one for one in found if str(label).casefold() in one.label.casefold()]
        if value := slots.get("recurrence"):
            found = [one for one in found if one.recurrence and one.recurrence.same_days(value)]
        if moment := slots.get("moment"):
            found = [one for one in found if self._fits(one, moment)]
        about = request.topic.refers.get(ID) if request.topic else None
        if len(found) > 1 and any(one.id == about for one in found):
            return [one for one in found if one.id == about]
        return found

    def _fits(self, alarm: Promise, moment: Mapping[str, Any]) -> bool:
        due, said = self.local(alarm), moments.at(moment)
        if moment["has_date"] and due.date() != said.date():
            return False
        if not moment["has_time"]:
            return True
        half = 720 if moment.get("ambiguous_half_day") else 1440
        return (due.hour * 60 + due.minute - said.hour * 60 - said.minute) % half == 0

    def item(self, alarm: Promise) -> Phrase:
        """How it is called in a list."""
        named = "_named" if alarm.label else ""
        if alarm.recurrence is not None:
            rule = alarm.recurrence.as_json()
            return Phrase(f"alarms.item_recurring{named}", {"rule": rule, "label": alarm.label})
        due = self.local(alarm)
        return Phrase(f"alarms.item{named}", {"due": due, "label": alarm.label})

    def local(self, alarm: Promise) -> datetime:
        """When it rings next, in local time."""
        assert alarm.due is not None
        return alarm.due.astimezone(self._clock.zone)
