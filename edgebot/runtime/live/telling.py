"""The daemon's hooks that publish on a bus."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from typing import Any, cast

from edgebot.core.audio import RATE_HZ, AudioFrame, DeviceTrouble
from edgebot.core.turn import Turn
from edgebot.runtime.live import bus as events
from edgebot.runtime.live.bus import Bus, State
from edgebot.runtime.live.interruption import level_db
from edgebot.runtime.live.manners import Hooks

_LONGEST_BUSY_S = 30.0
"""Whoever is busy for longer has failed without a word: others need not make way any more."""

_LEVEL_EVERY = RATE_HZ // 10
"""Samples between two levels."""


class Teller:
    """Turns what the stages say into events, and knows the state they add up to."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._lock = threading.Lock()
        self._listener: State = "asleep"
        self._speaking: str | None = None
        self._state: State = "asleep"
        self._since_level = 0
        self._quiet = threading.Event()
        self._quiet.set()
        self._busy_since = 0.0
        self._on_busy: list[Callable[[], None]] = []

    @property
    def busy(self) -> bool:
        """Somebody speaks to the assistant, or it thinks about what they said."""
        return not self._quiet.is_set()

    def wait_quiet(self, timeout_s: float) -> bool:
        """Block until it is not busy; False when that took too long."""
        return self._quiet.wait(timeout_s)

    def on_busy(self, call: Callable[[], None]) -> Callable[[], None]:
        """Call ``call`` once, as soon as it is busy; returns what ends that."""
        with self._lock:
            if self._quiet.is_set() or time.monotonic() - self._busy_since > _LONGEST_BUSY_S:
                self._on_busy.append(call)
                return lambda: self._forget(call)
        call()
        return lambda: None

    def _forget(self, call: Callable[[], None]) -> None:
        with self._lock:
            if call in self._on_busy:
                self._on_busy.remove(call)

    @property
    def state(self) -> State:
        """What the assistant does now."""
        return self._state

    def hooks(self, followed: Callable[[bool], None] = lambda spoke: None) -> Hooks:
        """The hooks of a daemon; ``followed`` is called besides."""
        publish = self._bus.publish

        def on_followed(spoke: bool) -> None:
            followed(spoke)
            publish(events.Followed(spoke))

        return Hooks(
            woken=lambda word, score: publish(events.Woken(word, score)),
            followed=on_followed,
            state=self._on_listener,
            level=self._on_frame,
            partial=lambda session, text: publish(events.PartialText(session, text)),
            barged_in=lambda session: publish(events.BargedIn(session)),
            final=lambda turn, text: publish(events.FinalText(turn.id, turn.session, text)),
            sentence=lambda turn, text: publish(events.ReplySentence(turn.id, turn.session, text)),
            ended=self._on_ended,
            speaking=self._on_speaking,
            trouble=self._on_trouble,
        )

    def _on_listener(self, name: str) -> None:
        with self._lock:
            self._listener = cast(State, name)
            self._tell()
            told = self._become_busy()
        for call in told:
            call()

    def _become_busy(self) -> list[Callable[[], None]]:
        """Note whether the engines are needed; whom to tell that they are."""
        if self._listener == "asleep" or self._state == "speaking":
            self._quiet.set()
            return []
        if self._quiet.is_set():
            self._busy_since = time.monotonic()
        self._quiet.clear()
        told, self._on_busy = self._on_busy, []
        return told

    def _on_speaking(self, turn: Turn, on: bool) -> None:
        with self._lock:
            if on:
                self._speaking = turn.id
            elif self._speaking == turn.id:
                self._speaking = None
                if self._listener == "thinking" and turn.session not in ("ring", "notice"):
                    self._listener = "asleep"  # that was the answer, or the apology for it
            self._tell()
            if self._state == "speaking":
                self._quiet.set()

    def _tell(self) -> None:
        """A microphone that is open is more than a voice that still sounds."""
        state: State = self._listener
        if state != "listening" and self._speaking is not None:
            state = "speaking"
        if state != self._state:
            self._state = state
            self._bus.publish(events.StateChanged(state))

    def _on_frame(self, frame: AudioFrame) -> None:
        self._since_level += len(frame.samples)
        if self._since_level >= _LEVEL_EVERY and self._bus.wanted(events.Level):
            self._since_level = 0
            self._bus.publish(events.Level(round(float(level_db(frame.samples)), 1)))

    def _on_ended(self, record: Mapping[str, Any], heard: str) -> None:
        publish, turn, session = self._bus.publish, record["turn"], record["session"]
        publish(events.ReplyHeard(turn, session, heard))
        publish(
            events.TurnEnded(
                turn,
                session,
                events.VOICE,
                record["route"],
                record["intent"],
                record["interrupted"],
                record["failed"],
                dict(record["ms"]),
            )
        )

    def _on_trouble(self, trouble: DeviceTrouble) -> None:
        self._bus.publish(events.Trouble(trouble.device, trouble.reason))
