"""Settings of the knowledge base."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field

from edgebot.config.sections.base import Section


class KnowledgeSettings(Section):
    """How the knowledge base answers."""

    embedder: str | None = None
    """Catalogue id; the profile's preference when absent."""

    file: Path | None = None
    """The database; ``knowledge.db`` in the state directory when absent."""

    shipped: bool = True
    """Whether the documents that come with edgebot are known."""

    max_file_mb: int = Field(default=32, ge=1, le=1024)
    """Size above which a document is refused, in megabytes."""

    threshold: float = Field(default=0.3, ge=0.0, le=1.0)
    """Calibrated probability below which it says that it does not know."""

    passages: int = Field(default=3, ge=1, le=20)
    """Passages put in front of a language model that can read."""
