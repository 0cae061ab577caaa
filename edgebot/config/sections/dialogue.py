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

    topic_s: float = Field(default=300.0, ge=1, le=86400)
    """Seconds for which "it" still means what was last spoken about."""

    history_turns: int = Field(default=6, ge=0, le=100)
    """Exchanges the language model is shown."""

    hint_threshold: float = Field(default=0.2, ge=0.0, le=1.0)
    """Score from which a passage that is not sure enough to be read out is shown to the language
    model."""

    skill_deadline_s: float = Field(default=5.0, gt=0, le=120)
    """Seconds a skill may take before the turn goes on without it."""

    missed_after_s: float = Field(default=90.0, ge=5, le=86400)
    """Seconds after which a timer, alarm or reminder that could not be told in time counts as
    missed: it is told then, but does not ring."""

    keep_turns: int = Field(default=20, ge=0, le=1000)
    """Turns whose decisions `edgebot explain` can tell of; 0 keeps none."""

    keep_words: bool = False
    """Keep with them, on disk, what was said and understood."""

    keep_words_days: float = Field(default=7.0, gt=0, le=3650)
    """Days after which turns that were kept with their words are removed."""

    skills_off: tuple[str, ...] = ()
    """Names of skills that are not loaded; `edgebot skills` lists them."""
