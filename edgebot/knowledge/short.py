"""The few words of a sentence that answer a question by themselves."""

from __future__ import annotations

from edgebot.knowledge.extract import Reading
from edgebot.knowledge.features import Question


def short_answer(question: Question, reading: Reading) -> str:
    """A date, number, name or phrase from the sentence; empty when none stands out."""
    return ""
