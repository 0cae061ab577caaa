"""The language model: answers what nobody else could."""

from __future__ import annotations

from edgebot.core.errors import EdgebotError
from edgebot.core.knowledge import KnowledgeBase, Passage
from edgebot.core.language import Talker
from edgebot.dialogue.acts import Declined, Offer, Talk
from edgebot.dialogue.hearing import Hearing
from edgebot.dialogue.rungs.knowledge import above, brief

PASSAGES = 3


class LanguageRung:
    """Talks, with passages at hand that were not sure enough to be read out."""

    name = "llm"
    threshold = 0.0
    last_resort = True

    def __init__(
        self, talker: Talker, knowledge: KnowledgeBase | None, hint_threshold: float = 0.2
    ) -> None:
        self._talker = talker
        self._knowledge = knowledge
        self._hint_threshold = hint_threshold

    def ask(self, hearing: Hearing) -> Offer | Declined:
        """Offer to talk; nothing is generated yet."""
        passages = self._hints(hearing)
        return Offer(
            Talk(passages),
            0.5,
            route="llm",
            reason=self._talker.model_id,
            sources=tuple(dict.fromkeys(passage.source for passage in passages)),
            details={
                "model": self._talker.model_id,
                "history": len(hearing.state.history),
                "passages": [brief(passage) for passage in passages],
            },
        )

    def _hints(self, hearing: Hearing) -> tuple[Passage, ...]:
        if self._knowledge is None or not self._talker.can_read:
            return ()
        try:
            passages = hearing.passages(self._knowledge)
        except EdgebotError:
            return ()  # the knowledge rung has reported it
        return above(passages, self._hint_threshold)[:PASSAGES]
