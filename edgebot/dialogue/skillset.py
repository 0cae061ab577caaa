"""The skills of one assistant: who does what."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from typing import Any

from edgebot.core.nlu import SlotValue
from edgebot.dialogue.containment import within
from edgebot.dialogue.skill import Intent, Skill

log = logging.getLogger(__name__)

KNOWS_S = 1.0
"""Seconds a skill may think about whether it knows."""


class SkillSet:
    """Skills by the intents they declare; the first to declare an intent keeps it."""

    def __init__(self, skills: Iterable[Skill] = ()) -> None:
        self.skills: list[Skill] = []
        self.problems: list[str] = []
        """What was wrong with skills that could not be taken in."""

        self._by_intent: dict[str, tuple[Skill, Intent]] = {}
        for skill in skills:
            self.add(skill)

    def add(self, skill: Skill) -> bool:
        """Take in ``skill``; False, with a line in :attr:`problems`, when that cannot be."""
        wrong = self._wrong(skill)
        if wrong:
            self.report(wrong)
            return False
        self.skills.append(skill)
        for intent in skill.intents:
            self._by_intent[intent.name] = (skill, intent)
        return True

    def report(self, problem: str) -> None:
        """Note what is wrong with a skill."""
        log.error("%s", problem)
        self.problems.append(problem)

    def find(self, intent: str | None) -> tuple[Skill, Intent] | None:
        """The skill that does ``intent``, with its declaration."""
        return self._by_intent.get(intent or "")

    def knows(self, intent: str, slots: Mapping[str, SlotValue], person: str | None = None) -> bool:
        """False when the skill says that it has no answer for ``person``; no side effects."""
        found = self.find(intent)
        if found is None or not found[1].tentative:
            return True
        skill: Any = found[0]
        more = (person or "",) if found[1].personal else ()
        try:
            return bool(within(KNOWS_S, skill.name, lambda: skill.knows(intent, slots, *more)))
        except Exception as error:  # noqa: BLE001 - a plug-in may raise anything; then let it answer
            log.error("skill %r cannot say whether it knows: %s", skill.name, error)
            return True

    @property
    def intents(self) -> list[Intent]:
        """All declarations, in the order they were taken in."""
        return [intent for _, intent in self._by_intent.values()]

    def _wrong(self, skill: Skill) -> str:
        name = getattr(skill, "name", None)
        if not isinstance(name, str) or not name:
            return f"{type(skill).__name__} is no skill: it has no name"
        if any(other.name == name for other in self.skills):
            return f"skill {name!r}: another skill has that name already"
        intents = getattr(skill, "intents", None)
        if not isinstance(intents, list | tuple) or not all(isinstance(i, Intent) for i in intents):
            return f"skill {name!r}: its intents are no sequence of Intent"
        if not callable(getattr(skill, "handle", None)):
            return f"skill {name!r}: it has no handle(request)"
        for intent in intents:
            if intent.name in self._by_intent:
                other = self._by_intent[intent.name][0].name
                return f"skill {name!r}: the intent {intent.name!r} belongs to skill {other!r}"
        return ""
