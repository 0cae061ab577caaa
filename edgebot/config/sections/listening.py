"""Settings of the listening daemon."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from edgebot.config.sections.base import Section


class ListeningSettings(Section):
    """How ``edgebot run`` listens, takes turns and keeps itself alive."""

    question_s: float = Field(default=8.0, ge=1, le=60)
    """Seconds the microphone stays open by itself after a question of the assistant's."""

    follow_up_s: float = Field(default=0.0, ge=0, le=60)
    """Seconds it stays open after an answer, so that the next question needs no wake word; 0 closes
    it at once."""

    go_on_s: float = Field(default=1.5, ge=0, le=5)
    """Who goes on speaking within so many seconds meant one sentence: the answer to its beginning
    is taken back, if it has not changed anything. 0 never does."""

    barge_in: Literal["auto", "speech", "stop_word", "off"] = "auto"
    """What breaks a reply off: any speech, or a stop word only. ``auto`` takes speech unless the
    assistant hears too much of its own voice."""

    stop_words: tuple[str, ...] = ("stop", "quiet", "enough", "cancel")
    """Words that break a reply off."""

    pre_roll_ms: int = Field(default=500, ge=100, le=3000)
    """Sound kept from before the first syllable was noticed, in milliseconds."""

    doubt_s: float = Field(default=1.5, ge=0.5, le=5)
    """A reply that was paused because somebody seemed to speak goes on when no words came for so
    many seconds."""

    work_ahead: bool = True
    """Let the language model read along while the person still speaks."""

    ring_s: float = Field(default=60.0, ge=1, le=3600)
    """Seconds that a timer or alarm rings when nobody silences it."""

    stall_s: float = Field(default=4.0, ge=1, le=120)
    """Seconds after which a stage that does not answer is named in the log and the daemon is
    started anew."""

    answer_stall_s: float = Field(default=20.0, ge=5, le=600)
    """The same for the stage that thinks up the answer, which may take its time."""

    keep_records: int = Field(default=500, ge=0, le=100_000)
    """Turns whose times are kept (no words); 0 keeps none on disk."""
