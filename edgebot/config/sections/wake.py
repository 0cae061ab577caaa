"""Settings of the wake word, of voice activity and of the end of a turn."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from edgebot.config.sections.base import Section


class WakeSettings(Section):
    """What wakes the assistant up."""

    enabled: bool = True
    """Listen for a wake word; without one, a button or `edgebot listen` opens the microphone."""

    words: tuple[str, ...] = ("okay nabu",)
    """Wake words, as `edgebot wake list` shows them; several may be listened for at once."""

    engine: Literal["microwakeword", "openwakeword"] = "microwakeword"
    """Which engine hears them; `microwakeword` takes the least power."""

    sensitivity: float = Field(default=0.4, ge=0.0, le=1.0)
    """0 hardly ever wakes, 1 wakes at anything alike; `edgebot wake tune` suggests a value."""

    keep_scores: int = Field(default=2000, ge=0, le=100_000)
    """Scores of past wakings that `edgebot wake tune` looks at (never audio); 0 keeps none."""


class VadSettings(Section):
    """When a person speaks and when they are done. Times in milliseconds of audio."""

    propose_ms: int = Field(default=128, ge=64, le=2000)
    """Silence after which an answer is prepared, in case that the person is done."""

    pause_ms: int = Field(default=128, ge=64, le=2000)
    """Silence after which it is asked for the first time whether the person is done."""

    unfinished_ms: int = Field(default=1200, ge=200, le=10_000)
    """Silence that ends a sentence even if it sounds unfinished."""

    no_speech_ms: int = Field(default=4000, ge=500, le=60_000)
    """Silence after the wake word after which the assistant goes back to sleep."""

    longest_ms: int = Field(default=30_000, ge=2000, le=120_000)
    """An utterance is cut here."""

    start_probability: float = Field(default=0.5, gt=0.0, lt=1.0)
    """Probability of speech from which somebody speaks."""

    finished_probability: float = Field(default=0.6, gt=0.0, lt=1.0)
    """Probability from which the turn detector's word counts, where the words are a whole command
    or question."""

    certain_probability: float = Field(default=0.98, gt=0.0, lt=1.0)
    """Probability from which it counts where nothing is known about the words."""
