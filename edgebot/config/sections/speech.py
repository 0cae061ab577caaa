"""Settings of hearing and speaking."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from edgebot.config.sections.base import Section


class SttSettings(Section):
    """How speech is recognised."""

    model: str | None = None
    """Catalogue id; the profile's preference when absent."""

    second_opinion: Literal["never", "low_confidence", "always"] = "low_confidence"
    """Whether a second engine reads free dictation again, and when."""

    max_utterance_s: float = Field(default=900.0, gt=0, le=7200)
    """Longest recording that is taken, in seconds."""


class TtsSettings(Section):
    """How replies are spoken."""

    model: str | None = None
    """Catalogue id; the profile's preference when absent."""

    speed: float = Field(default=1.0, ge=0.5, le=2.0)
    """1.0 is the voice's own pace, 2.0 twice as fast."""

    volume: float = Field(default=1.0, ge=0.0, le=2.0)
    """Factor on the samples."""
