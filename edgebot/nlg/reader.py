"""Words an answer from passages with a language model that can read, and checks every sentence."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing

from edgebot.core.cancel import Cancellation
from edgebot.core.knowledge import Passage
from edgebot.core.language import LanguageModel, Ungrounded
from edgebot.nlg.delivery import Cut, Delivery
from edgebot.nlg.pace import Limits, Pace
from edgebot.nlg.persona import PersonaFile
from edgebot.nlg.plan import Planner

_SENTENCES = 2
_TOKENS = 80


class ModelReader:
    """See :class:`edgebot.core.knowledge.PassageReader`."""

    def __init__(
        self,
        open_model: Callable[[], LanguageModel],
        persona: PersonaFile,
        limits: Limits | None = None,
        pace: Pace | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._open_model = open_model
        self._persona = persona
        self._limits = limits or Limits()
        self._clock = clock
        self._planner = Planner(
            pace or Pace(), self._limits, examples=False, reading_score=float("-inf")
        )

    def read(
        self, query: str, passages: Sequence[Passage], cancellation: Cancellation
    ) -> Iterator[str]:
        """Yield the answer in sentences that the passages bear out.

        Raises :class:`Ungrounded` when the first sentence is not borne out or says that the
        passages do not tell; ends early when a later one is not.
        """
        persona = self._persona.current()
        plan = self._planner.plan(persona, query, passages=passages)
        model = self._open_model()
        cut = Cut(_SENTENCES, _TOKENS, self._clock() + self._limits.deadline_s, self._clock)
        delivery = Delivery(persona, persona.system, cut, lambda: model.stats, plan.evidence)
        said = False
        with (
            closing(model.generate(plan.messages, plan.options(_TOKENS), cancellation)) as pieces,
            closing(delivery.sentences(pieces)) as sentences,
        ):
            for sentence in sentences:
                said = True
                yield sentence
        if not said and not cancellation.is_set:
            raise Ungrounded("nothing that could be spoken came of the passages")
