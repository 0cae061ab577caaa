"""What one reply is made from: the prompt, the passages in it, how it is sampled and checked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from edgebot.core.knowledge import Passage
from edgebot.core.language import Generation, Message, Tool
from edgebot.nlg.grounding import Evidence
from edgebot.nlg.pace import Limits, Pace
from edgebot.nlg.persona import Persona
from edgebot.nlg.prompt import LONGEST_QUESTION, asked, reading, spoken_history, static_part
from edgebot.nlg.tools import tool_examples, tool_rules

_HARD_LIMIT = 1.5
"""A sentence that is begun within the budget may be finished beyond it, up to this factor."""

_READING = {"temperature": 0.0, "repeat_penalty": 1.0}
"""A passage is to be repeated, not varied."""


@dataclass(frozen=True, slots=True)
class Plan:
    """One reply before it is written."""

    static: list[Message]
    """The part of :attr:`messages` that never changes within a configuration."""

    messages: list[Message]
    sampling: Mapping[str, Any]
    passages: tuple[Passage, ...] = ()
    """Those that were put into the prompt."""

    evidence: Evidence | None = None
    """Set when the answer is to be read from the passages and from nothing else."""

    def options(self, max_tokens: int) -> Generation:
        """How to generate about ``max_tokens``."""
        hard = int(max_tokens * _HARD_LIMIT)
        return Generation(**{**self.sampling, "max_tokens": hard})


class Planner:
    """Plans replies for one model on one board."""

    def __init__(
        self,
        pace: Pace,
        limits: Limits,
        sampling: Mapping[str, Any] | None = None,
        *,
        examples: bool = True,
        reading_score: float = 0.5,
    ) -> None:
        """``examples``: show the model those of the persona.

        ``reading_score``: score of a passage from which it counts as holding the answer; below it
        passages are only hints.
        """
        self._pace = pace
        self._limits = limits
        self._sampling = dict(sampling or {})
        self._examples = examples
        self._reading_score = reading_score

    def static(self, persona: Persona, tools: Sequence[Tool] = ()) -> list[Message]:
        """The messages every prompt begins with."""
        if not tools:
            return static_part(persona, examples=self._examples)
        rules = static_part(persona, tool_rules(tools), examples=False)
        return [*rules, *tool_examples(tools)]

    def plan(
        self,
        persona: Persona,
        text: str,
        history: Sequence[Message] = (),
        passages: Sequence[Passage] = (),
        tools: Sequence[Tool] = (),
    ) -> Plan:
        """The plan of a reply to ``text``."""
        static = self.static(persona, tools)
        talk = spoken_history(history, persona.fillers)
        chosen = tuple(self._pace.affordable(passages, self._limits))
        if chosen and max(passage.score for passage in chosen) >= self._reading_score:
            messages = [*static, *talk, reading(text, chosen, persona.unknown)]
            said = " ".join([text, *(message.content for message in talk)])
            sampling = {**self._sampling, **_READING}
            return Plan(static, messages, sampling, chosen, Evidence(chosen, said))
        most = min(self._pace.readable(self._limits), LONGEST_QUESTION)
        messages = [*static, *talk, asked(text, chosen, most)]
        return Plan(static, messages, self._sampling, chosen)
