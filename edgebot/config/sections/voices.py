"""Settings of telling voices apart."""

from __future__ import annotations

from pydantic import Field

from edgebot.config.sections.base import Section


class VoiceSettings(Section):
    """Who speaks: lists and memory for each person whose voice was enrolled."""

    enabled: bool = False
    """Tell people apart by their voices; `edgebot voices enroll` makes them known."""

    threshold: float = Field(default=0.55, ge=0.0, le=1.0)
    """Likeness (cosine) from which a voice counts as known; higher mistakes strangers for friends
    less often, and friends for strangers more often."""
