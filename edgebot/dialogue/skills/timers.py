"""Timers: several, named, to be paused, extended, asked about and called off."""

from __future__ import annotations

from collections.abc import Callable

from edgebot.dialogue.skill import NOTHING, Intent, Outcome, Phrase, Request, Slot, Topic, ask
from edgebot.dialogue.skills.choosing import confirm, which
from edgebot.dialogue.store.promises import Promise
from edgebot.dialogue.store.store import Store

LONGEST_S = 7 * 86_400.0
"""Longer than a week is a matter for a reminder."""

MOST = 50
"""Timers that run at once."""

DURATION = Slot("duration", "duration", 'how long, such as "ten minutes"', required=True)
NAME = Slot("timer_name", "name", "what the timer is called, if it has a name")
LENGTH = Slot("length", "duration", "how long the timer was set for, to tell it from others")
WHICH = (NAME, LENGTH)

SET = Intent("timer_set", "Start a timer.", (DURATION, NAME), correctable=True)
LEFT = Intent("timer_left", "Tell how long a timer still runs.", WHICH)
LIST = Intent("timer_list", "Tell which timers are running.", tool=False)
CANCEL = Intent("timer_cancel", "Stop and remove one timer.", WHICH)
CANCEL_ALL = Intent("timer_cancel_all", "Remove all timers.", irreversible=True, tool=False)
PAUSE = Intent("timer_pause", "Hold a timer.", WHICH, tool=False)
RESUME = Intent("timer_resume", "Let a held timer run on.", WHICH, tool=False)
EXTEND = Intent("timer_extend", "Add time to a timer.", (DURATION, *WHICH), tool=False)
SHORTEN = Intent("timer_shorten", "Take time off a timer.", (DURATION, *WHICH), tool=False)
RESTART = Intent("timer_restart", "Start a timer over with the length it had.", WHICH, tool=False)

VERBS = {"cancel": "timer_cancel"}
ID = "timer_id"
"""Slot that names a timer by its number in the store: for "it" and for "which one?"."""


class Timers:
    """Counts down."""

    name = "timers"
    intents = (
        SET,
        LEFT,
        LIST,
        CANCEL,
        CANCEL_ALL,
        PAUSE,
        RESUME,
        EXTEND,
        SHORTEN,
        RESTART,
    )

    def __init__(self, store: Store) -> None:
        self._store = store
        self._promises = store.promises
        self._actions: dict[str, Callable[[Request], Outcome]] = {
            "timer_set": self._set,
            "timer_list": lambda request: self._tell(),
            "timer_cancel_all": self._cancel_all,
            "timer_left": self._left,
            "timer_cancel": self._on_one(self._cancel),
            "timer_pause": self._on_one(self._pause),
            "timer_resume": self._on_one(self._resume),
            "timer_extend": self._on_one(lambda request, one: self._change(request, one, 1)),
            "timer_shorten": self._on_one(lambda request, one: self._change(request, one, -1)),
            "timer_restart": self._on_one(self._restart),
        }

    def handle(self, request: Request) -> Outcome:
        """Do what the intent says."""
        return self._actions[request.intent](request)

    def _set(self, request: Request) -> Outcome:
        seconds = request.slots["duration"]
        label = request.slots.get("timer_name") or ""
        if refused := self._refuse(seconds, request):
            return refused
        if request.corrects is not None and request.corrects.kind == "timer":
            corrected = self._promises.set_left(request.corrects.refers[ID], seconds, seconds)
            if corrected is not None:
                return _about(corrected, "timers.corrected", duration=seconds)
        if len(self._promises.open("timer")) >= MOST:
            return Outcome("timers.too_many")
        timer = self._promises.add_timer(seconds, label, request.session)
        return _about(timer, "timers.set_named" if label else "timers.set", duration=seconds)

    @staticmethod
    def _refuse(seconds: float, request: Request) -> Outcome | None:
        if seconds < 1:
            reply = "timers.not_positive"
        elif seconds > LONGEST_S:
            reply = "timers.too_long"
        else:
            return None
        known = {name: value for name, value in request.slots.items() if name != "duration"}
        return Outcome(question=ask(DURATION, request.intent, known, reply))

    def _tell(self) -> Outcome:
        timers = self._promises.open("timer")
        if not timers:
            return Outcome("timers.none")
        if len(timers) == 1:
            return self._left_of(timers[0])
        items = [_phrase(timer, "item") for timer in timers]
        return Outcome("timers.several", {"count": len(timers), "items": items})

    def _left(self, request: Request) -> Outcome:
        if any(request.slots.get(slot.name) for slot in (*WHICH,)):
            return self._on_one(lambda request, timer: self._left_of(timer))(request)
        return self._tell()

    @staticmethod
    def _left_of(timer: Promise) -> Outcome:
        held = "_held" if timer.state == "paused" else ""
        named = "_named" if timer.label else ""
        return _about(timer, f"timers.left{named}{held}", left=max(0.0, timer.left_s))

    def _cancel(self, request: Request, timer: Promise) -> Outcome:
        self._promises.cancel([timer.id])
        reply = "timers.cancelled_named" if timer.label else "timers.cancelled"
        return Outcome(reply, _args(timer), topic=NOTHING)

    def _cancel_all(self, request: Request) -> Outcome:
        timers = self._promises.open("timer")
        if not timers and not self._silence():
            return Outcome("timers.none")
        if len(timers) > 1 and not request.confirmed:
            return confirm(request, "timers.confirm_all", len(timers))
        self._promises.cancel([timer.id for timer in timers])
        return Outcome("timers.all_cancelled", {"count": max(1, len(timers))}, topic=NOTHING)

    def _pause(self, request: Request, timer: Promise) -> Outcome:
        if timer.state == "paused":
            return _about(timer, "timers.already_held", left=timer.left_s)
        held = self._promises.pause(timer.id) or timer
        return _about(held, "timers.held", left=max(0.0, held.left_s))

    def _resume(self, request: Request, timer: Promise) -> Outcome:
        if timer.state != "paused":
            return _about(timer, "timers.not_held", left=max(0.0, timer.left_s))
        running = self._promises.resume(timer.id) or timer
        return _about(running, "timers.resumed", left=running.left_s)

    def _change(self, request: Request, timer: Promise, sign: int) -> Outcome:
        change = request.slots["duration"]
        left = timer.left_s + sign * change
        if change <= 0:
            return Outcome("timers.change_not_positive")
        if left > LONGEST_S:
            return Outcome("timers.extend_too_long")
        if left < 1:
            return _about(timer, "timers.shorten_too_much", left=max(0.0, timer.left_s))
        length = max(left, (timer.length_s or 0.0) + sign * change)
        changed = self._promises.set_left(timer.id, left, length) or timer
        reply = "timers.extended" if sign > 0 else "timers.shortened"
        return _about(changed, reply, left=changed.left_s, duration=change)

    def _restart(self, request: Request, timer: Promise) -> Outcome:
        length = timer.length_s or timer.left_s
        running = self._promises.resume(timer.id) if timer.state == "paused" else timer
        again = self._promises.set_left(timer.id, length, length) or running or timer
        return _about(again, "timers.restarted", duration=length)

    def _on_one(
        self, action: Callable[[Request, Promise], Outcome]
    ) -> Callable[[Request], Outcome]:
        """``action`` on the timer that is meant; asks which one when that is not clear."""

        def act(request: Request) -> Outcome:
            timers = self._promises.open("timer")
            found = _meant(request, timers)
            if len(found) == 1:
                return action(request, found[0])
            if not timers:
                rang = request.intent == "timer_cancel" and self._silence()
                return Outcome("stop.silenced" if rang else "timers.none")
            if not found:
                label = request.slots.get("timer_name")
                return Outcome("timers.unknown" if label else "timers.gone", {"label": label})
            return which(request, found, ID, "timers.which", _option)

        return act

    def _silence(self) -> bool:
        rings = [ring for ring in self._store.schedule.ringing() if ring.kind == "timer"]
        for ring in rings:
            self._store.schedule.done(ring.id)
        return bool(rings)


def _meant(request: Request, timers: list[Promise]) -> list[Promise]:
    """The timers that the request may mean; one when it is clear."""
    by_id = {timer.id: timer for timer in timers}
    if ID in request.slots:
        return [by_id[request.slots[ID]]] if request.slots[ID] in by_id else []
    if name := request.slots.get("timer_name"):
        wanted = str(name).casefold()
        exact = [timer for timer in timers if timer.label.casefold() == wanted]
        return exact or [timer for timer in timers if wanted in timer.label.casefold()]
    if length := request.slots.get("length"):
        return [timer for timer in timers if abs((timer.length_s or 0) - length) < 1]
    topic = request.topic
    # "Cancel the timer" among several is not clear enough; "pause it" is.
    if topic is None or topic.kind != "timer" or request.intent == "timer_cancel":
        return timers
    about = topic.refers.get(ID)
    return [by_id[about]] if about in by_id else timers


def _phrase(timer: Promise, what: str) -> Phrase:
    held = "_held" if what == "item" and timer.state == "paused" else ""
    length = timer.length_s or timer.left_s
    named = "_named" if timer.label else ""
    return Phrase(f"timers.{what}{named}{held}", {**_args(timer), "length": length})


def _option(timer: Promise) -> Phrase:
    return _phrase(timer, "option")


def _args(timer: Promise) -> dict[str, object]:
    return {"label": timer.label, "left": max(0.0, timer.left_s)}


def _about(timer: Promise, reply: str, **args: object) -> Outcome:
    topic = Topic("timer", {ID: timer.id}, VERBS)
    return Outcome(reply, {**_args(timer), **args}, topic=topic)
