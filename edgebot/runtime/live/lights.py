"""Shows on a light of the board what the assistant does."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Protocol

from edgebot.panel.gpio import Colour
from edgebot.panel.patterns import Pattern
from edgebot.runtime.live import bus as events
from edgebot.runtime.live.bus import Bus

_HEARD_S = 0.4
"""For so long it is seen that the wake word was heard, before it shows that we listen."""

_ERROR_S = 1.5
"""For so long it is seen that a turn failed."""

_DARK: Colour = (0, 0, 0)


class Shines(Protocol):
    """Something that shines."""

    def show(self, colour: Colour) -> None:
        """Shine in ``colour`` from now on."""

    def close(self) -> None:
        """Go dark."""


class Mood:
    """What is to be seen: one of ``asleep heard listening thinking speaking muted error``."""

    def __init__(self, muted: bool = False) -> None:
        self._state = "asleep"
        self._muted = muted
        self._broken: set[str] = set()
        self._passing: tuple[str, float] = ("", 0.0)

    def take(self, event: events.Event, now_s: float) -> None:
        """Note what happened."""
        if isinstance(event, events.StateChanged):
            self._state = event.state
        elif isinstance(event, events.Woken):
            self._passing = ("heard", now_s + _HEARD_S)
        elif isinstance(event, events.Muted):
            self._muted = event.microphone
        elif isinstance(event, events.Trouble):
            (self._broken.add if event.reason else self._broken.discard)(event.device)
        elif isinstance(event, events.TurnEnded) and event.failed:
            self._passing = ("error", now_s + _ERROR_S)

    def at(self, now_s: float) -> tuple[str, float | None]:
        """What is to be seen now, and for how many seconds unless something happens."""
        name, until_s = self._passing
        if now_s < until_s:
            return name, until_s - now_s
        if self._broken:
            return "error", None
        if self._muted and self._state == "asleep":
            return "muted", None
        return self._state, None


class Lights:
    """Follows the bus on a thread of its own, and blinks."""

    def __init__(
        self,
        bus: Bus,
        light: Shines,
        patterns: Mapping[str, Pattern],
        *,
        muted: bool = False,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """``muted``: whether the microphone is closed at the start."""
        self._light = light
        self._patterns = patterns
        self._mood = Mood(muted)
        self._clock = clock
        self._changed = threading.Event()
        self._ending = False
        self._subscription = bus.subscribe(
            events.StateChanged,
            events.Woken,
            events.Muted,
            events.Trouble,
            events.TurnEnded,
            wake=self._changed.set,
        )
        self._thread = threading.Thread(target=self._run, name="lights", daemon=True)

    def start(self) -> None:
        """Begin to shine."""
        self._thread.start()

    def close(self) -> None:
        """Go dark."""
        self._ending = True
        self._changed.set()
        if self._thread.is_alive():
            self._thread.join()
        self._subscription.close()
        self._light.close()

    def _run(self) -> None:
        shown, since_s, lit = "", 0.0, _DARK
        self._light.show(lit)
        while not self._ending:
            now_s = self._clock()
            for event in self._subscription.take():
                self._mood.take(event, now_s)
            name, left_s = self._mood.at(now_s)
            if name != shown:
                shown, since_s = name, now_s
            colour, next_s = _phase(self._patterns[name], now_s - since_s)
            if colour != lit:
                lit = colour
                self._light.show(lit)
            waits = [one for one in (left_s, next_s) if one is not None]
            self._changed.wait(min(waits) if waits else None)
            self._changed.clear()


def _phase(pattern: Pattern, age_s: float) -> tuple[Colour, float | None]:
    """What ``pattern`` shows ``age_s`` after it began, and when that changes."""
    if not pattern.off_s or pattern.colour == _DARK:
        return pattern.colour, None
    at_s = age_s % (pattern.on_s + pattern.off_s)
    if at_s < pattern.on_s:
        return pattern.colour, pattern.on_s - at_s
    return _DARK, pattern.on_s + pattern.off_s - at_s
