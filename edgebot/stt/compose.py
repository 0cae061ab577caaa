"""How the recognisers of one assistant stand together."""

from __future__ import annotations

from typing import Any, Literal

from edgebot.core.speech import SpeechToText
from edgebot.stt.second_opinion import SecondOpinion
from edgebot.stt.wayout import WayOut

REREAD_DOUBT = 0.8
"""Confidence below which even the second engine's reading of foreign speech is checked."""


def compose(
    first: Any, second: SpeechToText | None, when: Literal["never", "low_confidence", "always"]
) -> SpeechToText:
    """One port over ``first`` and, where there is one, ``second``.

    ``first`` hears phrases and gives partial results. Free dictation is read again by ``second``
    as ``when`` says. What is no phrase is read by ``second`` alone, because nobody waits for its
    partial results and it is the cheaper one; ``first`` is only asked where it is unsure.
    """
    dictation: SpeechToText = first
    rereading: SpeechToText | None = None
    if second is not None and when != "never":
        dictation = SecondOpinion(first, second, when)
        rereading = SecondOpinion(second, first, "low_confidence", REREAD_DOUBT)
    if not getattr(first, "takes_phrases", False):
        return dictation
    return WayOut(first, dictation, rereading)
