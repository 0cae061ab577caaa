"""Settings of the language model."""

from __future__ import annotations

from pydantic import Field

from edgebot.config.sections.base import Section


class LlmSettings(Section):
    """How the language model answers."""

    model: str | None = None
    """Catalogue id; the profile's preference when absent."""

    context_tokens: int = Field(default=2048, ge=256, le=131072)
    """Length of the context; more costs memory."""

    max_reply_tokens: int = Field(default=96, ge=8, le=4096)
    """Longest reply."""

    temperature: float | None = Field(default=None, ge=0.0, le=2.0)
    """0 always takes the likeliest word; the catalogue's setting for the model when absent."""

    seed: int | None = Field(default=None, ge=0)
    """Makes sampled replies repeatable."""
