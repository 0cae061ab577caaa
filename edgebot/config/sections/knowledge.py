"""Settings of the knowledge base."""

from __future__ import annotations

from pydantic import Field

from edgebot.config.sections.base import Section


class KnowledgeSettings(Section):
    """How the knowledge base answers."""

    embedder: str | None = None
    """Catalogue id; the profile's preference when absent."""

    threshold: float = Field(default=0.5, ge=0.0, le=1.0)
    """Calibrated probability below which it says that it does not know."""

    passages: int = Field(default=3, ge=1, le=20)
    """Passages put in front of a language model that can read."""
