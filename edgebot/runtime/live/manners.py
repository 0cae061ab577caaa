"""What the listener hears with, how it behaves and whom it tells."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from edgebot.core.audio import AudioFrame, DeviceTrouble
from edgebot.core.listening import TurnDetector, VoiceActivity, WakeWord
from edgebot.core.turn import Turn
from edgebot.runtime.endpointing import EndpointLimits
from edgebot.runtime.live.interruption import InterruptionLimits


@dataclass(frozen=True, slots=True)
class Ears:
    """The engines of the listener."""

    voice: VoiceActivity
    wake: WakeWord | None = None
    turn: TurnDetector | None = None
    begins: Callable[[str, str], bool] = lambda session, words: False
    """Whether words are the beginning of something that can be said in a session now."""


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

    go_on_s: float = 1.5
    """Who goes on so long after the end of their speech meant one sentence; 0: never."""

    work_ahead: bool = True
    language: str = "en"
    """In which sentences that lack their end are told by their words."""

    @property
    def wait_s(self) -> float:
        """How long somebody may take to begin."""
        return self.endpoint.no_speech_ms / 1000.0


USUAL = Manners()


@dataclass(slots=True)
class Hooks:
    """Whom the stages tell what happens. Called on the listener's thread where nothing else is
    said; must not block."""

    woken: Callable[[str, float], None] = lambda word, score: None
    followed: Callable[[bool], None] = lambda spoke: None
    """After a wake word: whether anybody said something."""

    state: Callable[[str], None] = lambda name: None
    """``asleep``, ``listening`` or ``thinking``."""

    level: Callable[[AudioFrame], None] = lambda frame: None
    """Every frame that is heard."""

    partial: Callable[[str, str], None] = lambda session, text: None
    """The words of the utterance so far."""

    barged_in: Callable[[str], None] = lambda session: None
    """Somebody broke a reply off."""

    final: Callable[[Turn, str], None] = lambda turn, text: None
    """What the person said, once the turn is sure to happen (on the responder's thread)."""

    sentence: Callable[[Turn, str], None] = lambda turn, text: None
    """A sentence of a reply was written (on the responder's thread)."""

    ended: Callable[[Mapping[str, Any], str], None] = lambda record, heard: None
    """A turn is over: its record in the ledger, and what of the reply was heard."""

    speaking: Callable[[Turn, bool], None] = lambda turn, on: None
    """A reply begins to be audible, or is over (on the speaker's thread)."""

    trouble: Callable[[DeviceTrouble], None] = lambda trouble: None
    """A sound device failed or works again (on the main thread)."""
