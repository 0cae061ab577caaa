"""Renders a conversation with the chat template the model was trained on.

The template is Jinja text from the model file, so it runs in Jinja's sandbox: it can reach
nothing but the messages.
"""

from __future__ import annotations

import datetime
from collections.abc import Sequence
from typing import Any

import jinja2
from jinja2.sandbox import ImmutableSandboxedEnvironment

from edgebot.core.errors import EngineError
from edgebot.core.language import Message

_CUT = "\ue0ff\ue0fe"
"""Private-use characters that mark where an unfinished message ends."""

_LONGEST = 100_000


class ChatTemplate:
    """A compiled chat template and the control texts nobody may smuggle in."""

    def __init__(self, source: str | None, control_texts: Sequence[str] = ()) -> None:
        if not source:
            raise EngineError("the model file has no chat template; choose a chat model")
        if len(source) > _LONGEST:
            raise EngineError("the model's chat template is absurdly long; choose another model")
        environment = ImmutableSandboxedEnvironment(
            trim_blocks=True, lstrip_blocks=True, extensions=["jinja2.ext.loopcontrols"]
        )
        environment.globals["raise_exception"] = _refuse
        environment.globals["strftime_now"] = _today
        try:
            self._template = environment.from_string(source)
        except jinja2.TemplateError as problem:
            raise EngineError(f"the model's chat template is no Jinja ({problem})") from None
        self._control_texts = tuple(control_texts)
        self.knows_tools = "tool" in source
        """Whether results of tools have a place of their own in it."""

    def render(self, messages: Sequence[Message], *, open_end: bool = False) -> str:
        """The prompt up to where the model goes on.

        A last message of the assistant's is the beginning of its reply. ``open_end``: the prompt up
        to the end of the last message's text, which is not finished. Raises ``EngineError`` when
        the template fails.
        """
        if len(messages) > 1 and messages[-1].role == "assistant":
            return self.render(messages[:-1]) + messages[-1].content
        entries = [self._entry(message) for message in messages]
        if open_end and entries:
            entries[-1]["content"] += _CUT
        prompt = self._render(entries)
        if open_end and _CUT in prompt:
            return prompt[: prompt.index(_CUT)]
        return prompt

    def _entry(self, message: Message) -> dict[str, str]:
        role = message.role
        if role == "tool" and not self.knows_tools:
            role = "user"
        return {"role": role, "content": self._harmless(message.content)}

    def _harmless(self, text: str) -> str:
        """``text`` in which control tokens are just characters with a space between them."""
        text = text.replace(_CUT, "").strip()
        for control in self._control_texts:
            if control in text:
                text = text.replace(control, f"{control[0]} {control[1:]}")
        return text

    def _render(self, entries: list[dict[str, str]]) -> str:
        try:
            return self._template.render(
                messages=entries, add_generation_prompt=True, bos_token="", eos_token="", tools=None
            )
        except _Refused:
            return self._without_system(entries)
        except (jinja2.TemplateError, TypeError, ValueError, OverflowError) as problem:
            raise EngineError(f"the model's chat template fails ({problem})") from None

    def _without_system(self, entries: list[dict[str, str]]) -> str:
        """For templates that know no system role: its text goes into the first message."""
        if len(entries) < 2 or entries[0]["role"] != "system":
            raise EngineError("the model's chat template refuses this conversation") from None
        first = {**entries[1], "content": f"{entries[0]['content']}\n\n{entries[1]['content']}"}
        return self._render([first, *entries[2:]])


class _Refused(Exception):
    """The template itself says that it cannot render these messages."""


def _refuse(message: str) -> Any:
    raise _Refused(message)


def _today(form: str) -> str:
    return datetime.datetime.now().astimezone().strftime(form)
