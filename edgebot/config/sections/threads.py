"""Threads as a budget."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from edgebot.config.sections.base import Section


class ThreadSettings(Section):
    """Native threads each engine may use; no engine takes its library's default."""

    llm: int = Field(default=2, ge=1, le=64)
    """Language model."""

    tts: int = Field(default=1, ge=1, le=64)
    """Voice."""

    embed: int = Field(default=1, ge=1, le=64)
    """Sentence embeddings."""

    vad: int = Field(default=1, ge=1, le=8)
    """Voice activity detection and turn detection."""

    waiting: Literal["passive", "active"] = "passive"
    """How threads of the language model wait for each other: ``passive`` gives the core away,
    ``active`` spins, which is faster where nothing else wants the cores. OMP_WAIT_POLICY of the
    environment comes before it."""
