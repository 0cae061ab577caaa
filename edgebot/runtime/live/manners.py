"""What the listener hears with, how it behaves and whom it tells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from edgebot.core.listening import TurnDetector, VoiceActivity, WakeWord
from edgebot.runtime.endpointing import EndpointLimits
from edgebot.runtime.live.interruption import InterruptionLimits


@dataclass(frozen=True, slots=True)
class Ears:
    """The engines of the listener."""

    voice: VoiceActivity
    wake: WakeWord | None = None
    turn: TurnDetector | None = None


@dataclass(frozen=True, slots=True)
class Manners:
    """How the listener behaves. Times in seconds of audio."""

    endpoint: EndpointLimits = field(default_factory=EndpointLimits)
    interruption: InterruptionLimits = field(default_factory=InterruptionLimits)
    question_s: float = 8.0
    """How long the microphone stays open after a question of ours."""

    follow_up_s: float = 0.0
    """How long it stays open after an answer; 0 not at all."""

    pre_roll_s: float = 0.5
    barge_in: bool = True
    stop_words: tuple[str, ...] = ("stop",)
    only_stop_words: bool = False
    """Breaking in takes a stop word: our own voice is not under control."""

    doubt_s: float = 1.5
    """A reply that was paused goes on when no words came for so long."""

    work_ahead: bool = True
    language: str = "en"
    """In which sentences that lack their end are told by their words."""


USUAL = Manners()


@dataclass(slots=True)
class Hooks:
    """Whom the listener tells what happens. Called on its thread; must not block."""

    woken: Callable[[str, float], None] = lambda word, score: None
    followed: Callable[[bool], None] = lambda spoke: None
    """After a wake word: whether anybody said something."""

    state: Callable[[str], None] = lambda name: None
    """``asleep``, ``listening`` or ``thinking``."""
