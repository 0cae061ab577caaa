"""Words an answer from passages with a language model that can read, and checks every sentence."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any

from edgebot.core.cancel import Cancellation
from edgebot.core.knowledge import Passage
from edgebot.core.language import Generation, LanguageModel, Message, Ungrounded
from edgebot.nlg.grounding import Evidence
from edgebot.nlg.pace import Limits, Pace
from edgebot.nlg.persona import PersonaFile
from edgebot.nlg.prompt import reading
from edgebot.nlg.sentences import split_sentences
from edgebot.nlg.spoken import SpokenText

_MOST_SENTENCES = 2
_MOST_TOKENS = 80

_SHRUG = re.compile(
    r"\b(?:(?:do|does|did|can|could|is|are|was|were)(?: not|n['’]t)|not|no)\b[^.]{0,40}"
    r"\b(?:know|say|state|mention|specif|provide|contain|inform|answer|tell|given)"
    r"|\bunknown\b|\bweiß (?:ich )?nicht\b|\bsteht nicht\b",
    re.IGNORECASE,
)


class ModelReader:
    """See :class:`edgebot.core.knowledge.PassageReader`."""

    def __init__(
        self,
        open_model: Callable[[], LanguageModel],
        persona: PersonaFile,
        sampling: Mapping[str, Any] | None = None,
        limits: Limits | None = None,
        pace: Pace | None = None,
    ) -> None:
        self._open_model = open_model
        self._persona = persona
        self._sampling = {**(sampling or {}), "temperature": 0.0, "repeat_penalty": 1.0}
        self._limits = limits or Limits()
        self._pace = pace or Pace()

    def read(
        self, query: str, passages: Sequence[Passage], cancellation: Cancellation
    ) -> Iterator[str]:
        """Yield the answer in sentences that the passages bear out.

        Raises :class:`Ungrounded` when the first sentence is not borne out or says that the
        passages do not tell; ends early when a later one is not.
        """
        persona = self._persona.current()
        chosen = self._pace.affordable(passages, self._limits)
        # without the persona's examples: they teach brevity, and half of what is asked is lost
        rules = Message("system", persona.system)
        messages = [rules, reading(query, chosen, persona.unknown)]
        evidence = Evidence(chosen, query)
        cleaner = SpokenText(name=persona.name, prompt=persona.system, language=persona.language)
        options = Generation(**{**self._sampling, "max_tokens": _MOST_TOKENS})
        model = self._open_model()
        said = 0
        with closing(model.generate(messages, options, cancellation)) as pieces:
            for sentence in split_sentences(pieces, persona.language):
                text = cleaner.clean(sentence)
                if not text:
                    continue
                if why := _objection(text, evidence, model.stats.finish):
                    if not said:
                        raise Ungrounded(why)
                    return
                yield text
                said += 1
                if said >= _MOST_SENTENCES:
                    return
        if not said and not cancellation.is_set:
            raise Ungrounded("nothing that could be spoken came of the passages")


def _objection(text: str, evidence: Evidence, finish: str) -> str:
    """Why ``text`` must not be spoken; empty when it may."""
    if _SHRUG.search(text):
        return "the passages do not tell"
    if missing := evidence.missing(text):
        return f"not in the passages: {', '.join(missing)}"
    return "the sentence was torn off" if finish in ("length", "loop") else ""
