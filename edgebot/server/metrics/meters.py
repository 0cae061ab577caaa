"""What is counted of what happens on the bus."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram

from edgebot.runtime.live import bus as events

STAGES = (
    "endpoint",
    "final_text",
    "parsed",
    "first_token",
    "first_sentence",
    "first_audio",
    "done",
)
"""Marks of a turn, told in seconds since the end of speech."""

_BUCKETS_S = (
    0.01, 0.025, 0.05, 0.1, 0.2, 0.3, 0.5, 0.75, 1.0, 1.5, 2.0, 3.0, 5.0, 8.0, 13.0, 20.0,
)  # fmt: skip

_STATES = ("asleep", "listening", "thinking", "speaking")
_LABEL = re.compile(r"[a-z0-9_ .-]{1,40}")


class Meters:
    """Counters of one assistant; events come in on the rim's loop."""

    def __init__(self) -> None:
        self.registry = registry = CollectorRegistry()
        self.turns = Counter(
            "edgebot_turns",
            "Turns, by the door they came in by, the route of the answer and how they ended.",
            ("by", "route", "outcome"),
            registry=registry,
        )
        self.stages = Histogram(
            "edgebot_stage_seconds",
            "From the end of speech to each stage of a turn.",
            ("stage", "route"),
            buckets=_BUCKETS_S,
            registry=registry,
        )
        self.wakes = Counter("edgebot_wakes", "Wake words heard.", ("word",), registry=registry)
        self.followed = Counter(
            "edgebot_wakes_followed",
            "Whether anybody spoke after a wake word; false ones are followed by silence.",
            ("spoke",),
            registry=registry,
        )
        self.barge_ins = Counter(
            "edgebot_barge_ins", "Replies that somebody broke off by speaking.", registry=registry
        )
        self.faults = Counter(
            "edgebot_audio_faults", "Failures of sound devices.", ("device",), registry=registry
        )
        self.working = Gauge(
            "edgebot_audio_working",
            "Whether a sound device works.",
            ("device",),
            registry=registry,
        )
        self.state = Gauge(
            "edgebot_state",
            "What the voice side does: 1 now, 0 not.",
            ("state",),
            registry=registry,
        )
        self.dropped = Counter(
            "edgebot_metrics_events_dropped",
            "Events that came faster than they could be counted.",
            registry=registry,
        )
        for device in ("microphone", "speaker"):
            self.faults.labels(device)
            self.working.labels(device).set(1)
        self._in_state("asleep")
        self._takes: dict[type, Callable[[Any], None]] = {
            events.TurnEnded: self._turn,
            events.StateChanged: lambda event: self._in_state(event.state),
            events.Woken: lambda event: self.wakes.labels(label(event.word)).inc(),
            events.Followed: lambda event: self.followed.labels(str(event.spoke).lower()).inc(),
            events.BargedIn: lambda event: self.barge_ins.inc(),
            events.Trouble: self._trouble,
        }

    @property
    def kinds(self) -> tuple[type, ...]:
        """The events that are counted."""
        return tuple(self._takes)

    def take(self, event: events.Event) -> None:
        """Count ``event``."""
        if take := self._takes.get(type(event)):
            take(event)

    def _turn(self, event: events.TurnEnded) -> None:
        outcome = "failed" if event.failed else "interrupted" if event.interrupted else "ok"
        self.turns.labels(label(event.by), label(event.route), outcome).inc()
        for stage in STAGES:
            if (ms := event.ms.get(stage)) is not None:
                self.stages.labels(stage, label(event.route)).observe(max(0.0, ms / 1000.0))

    def _in_state(self, now: str) -> None:
        for state in _STATES:
            self.state.labels(state).set(1 if state == now else 0)

    def _trouble(self, event: events.Trouble) -> None:
        device = label(event.device)
        self.working.labels(device).set(0 if event.reason else 1)
        if event.reason:
            self.faults.labels(device).inc()


def label(value: str) -> str:
    """``value`` if it may be a label: there are few of them, and they hold nothing personal."""
    return value if _LABEL.fullmatch(value) else "other"
