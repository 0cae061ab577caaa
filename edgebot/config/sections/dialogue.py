"""Settings of understanding and of the dialogue."""

from __future__ import annotations

from pydantic import Field

from edgebot.config.sections.base import Section


class NluSettings(Section):
    """How utterances are understood."""

    classifier_threshold: float = Field(default=0.6, ge=0.0, le=1.0)
    """Calibrated score below which a paraphrase counts as out of scope."""


class DialogueSettings(Section):
    """How the dialogue behaves."""

    open_question_s: float = Field(default=30.0, ge=1, le=600)
    """Seconds after which a question of ours is no longer waiting for its answer."""

    history_turns: int = Field(default=6, ge=0, le=100)
    """Exchanges the language model is shown."""
