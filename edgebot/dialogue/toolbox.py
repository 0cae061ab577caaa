"""The skills' declarations as tools that a language model may call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from edgebot.core.errors import SkillError
from edgebot.core.language import Tool, ToolCall, ToolParameter, ToolResult
from edgebot.core.nlu import SlotValue
from edgebot.core.turn import Turn
from edgebot.dialogue.commands import CommandRunner
from edgebot.dialogue.resolve import Resolver
from edgebot.dialogue.session import Call, Sessions
from edgebot.dialogue.skill import Intent, Slot
from edgebot.dialogue.skillset import SkillSet

_NUMERIC = {"number": "number", "percent": "number", "ordinal": "integer", "yes_no": "boolean"}


class SkillToolbox:
    """Checks a model's arguments like a person's words, and calls the skill.

    What a model wants is never taken for a yes: irreversible calls come back as our question.
    """

    def __init__(
        self, skills: SkillSet, resolver: Resolver, runner: CommandRunner, sessions: Sessions
    ) -> None:
        self._skills = skills
        self._resolver = resolver
        self._runner = runner
        self._sessions = sessions
        self.tools: Sequence[Tool] = tuple(
            tool_of(intent) for intent in skills.intents if intent.tool
        )

    def call(self, turn: Turn, call: ToolCall) -> ToolResult:
        """The outcome of the call in words; raises ``SkillError`` when the skill fails."""
        found = self._skills.find(call.name)
        if found is None or not found[1].tool:
            return ToolResult(f"unknown tool: {call.name}")
        slots, wrong = self._slots(found[1], call.arguments)
        if wrong:
            return ToolResult(wrong)
        state = self._sessions.state(turn.session)
        done = self._runner.run((Call(call.name, slots),), "", turn, state)
        if done.failures:
            raise SkillError("; ".join(done.failures))
        self._sessions.update(
            turn.session,
            lambda now: replace(done.state, history=now.history, last_reply=now.last_reply),
        )
        return ToolResult(" ".join(done.sentences), spoken=True)

    def _slots(
        self, declared: Intent, arguments: Mapping[str, Any]
    ) -> tuple[dict[str, SlotValue], str]:
        slots: dict[str, SlotValue] = {}
        for name, value in arguments.items():
            slot = declared.slot(name)
            if slot is None:
                return {}, f"unknown argument: {name}"
            if value in (None, ""):
                continue
            given = self._value(slot, value)
            if given is None or (slot.choices and given not in slot.choices):
                return {}, f"wrong value for {name}: {value!r} is no {slot.kind}"
            slots[name] = given
        return slots, ""

    def _value(self, slot: Slot, value: Any) -> SlotValue | None:
        if isinstance(value, str):
            return self._resolver.read(slot, value)
        if isinstance(value, bool):
            return value if slot.kind == "yes_no" else None
        if isinstance(value, int | float):
            return value if slot.kind in ("number", "percent", "ordinal") else None
        return None


def tool_of(intent: Intent) -> Tool:
    """The declaration of ``intent`` as a tool."""
    return Tool(intent.name, intent.description, tuple(_parameter(slot) for slot in intent.slots))


def _parameter(slot: Slot) -> ToolParameter:
    return ToolParameter(
        name=slot.name,
        kind=_NUMERIC.get(slot.kind, "string"),  # type: ignore[arg-type]
        description=slot.description,
        required=slot.required,
        choices=slot.choices,
    )
