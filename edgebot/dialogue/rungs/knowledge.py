"""The knowledge base: an answer with its source."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from edgebot.core.knowledge import KnowledgeBase, Passage
from edgebot.core.language import Talker
from edgebot.dialogue.acts import Declined, Offer, Talk, Tell
from edgebot.dialogue.hearing import Hearing

WHOLE = 0.75
"""Score of an answer from which the question was put in whole: "what is the capital of France"
scores 0.9, its beginnings 0.6 and less."""


class KnowledgeRung:
    """Answers from documents when the score says that the answer is there.

    A model that can read words the answer from the passages; the extract stands by. An answer that
    somebody wrote to this very question is spoken as it was written: no model words it better,
    and it comes at once.
    """

    name = "knowledge"
    last_resort = False

    def __init__(
        self, knowledge: KnowledgeBase, talker: Talker | None, threshold: float = 0.5
    ) -> None:
        self._knowledge = knowledge
        self._talker = talker
        self.threshold = threshold

    def ask(self, hearing: Hearing) -> Offer | Declined:
        """Offer the extracted answer."""
        passages = hearing.passages(self._knowledge)
        if not passages:
            return Declined("no passage fits")
        answer = self._knowledge.answer(hearing.text, passages)
        details = {"passages": [brief(passage) for passage in passages], "kind": answer.kind}
        if answer.kind == "none" or not answer.text:
            return Declined(f"no answer in {len(passages)} passages", details)
        written = any(each.question and each.text == answer.text for each in passages)
        can_read = self._talker is not None and self._talker.can_read
        readable = can_read and answer.kind != "llm" and not written
        return Offer(
            Talk(tuple(passages), answer.text) if readable else Tell(answer.text),
            answer.score,
            route="knowledge",
            reason=f"{answer.kind} from {', '.join(answer.sources)}",
            sources=answer.sources,
            details=details,
            whole=answer.score >= WHOLE,
        )


def brief(passage: Passage) -> dict[str, Any]:
    """What ``explain`` tells of a passage."""
    return {
        "id": passage.id,
        "title": passage.title,
        "source": passage.source,
        "score": round(passage.score, 3),
        "bm25": round(passage.bm25, 3),
        "cosine": round(passage.cosine, 3),
    }


def above(passages: Sequence[Passage], score: float) -> tuple[Passage, ...]:
    """The passages with at least this score."""
    return tuple(passage for passage in passages if passage.score >= score)
