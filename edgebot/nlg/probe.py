"""Measures whether a model is able to choose tools; where it is not, tools are off.

A handful of everyday requests, half of them for a tool and half for none. A model that calls the
wrong thing is worse than one that calls nothing, so both halves must be right.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from edgebot.core.cancel import Cancellation
from edgebot.core.language import Generation, LanguageModel, Message, Tool, ToolParameter
from edgebot.nlg.tools import is_call, read_call, tool_examples, tool_grammar, tool_rules

LEAST_RIGHT = 0.8
"""Share of the requests for a tool that must get the right one with the right arguments."""

MOST_FALSE = 0.1
"""Share of the other requests that may be taken for one."""

_TOKENS = 120


@dataclass(frozen=True, slots=True)
class ProbeResult:
    """What a model did."""

    right_tool: float
    right_arguments: float
    """Both tool and arguments right."""

    false_calls: float
    cases: int

    @property
    def able(self) -> bool:
        """Whether the model may choose tools."""
        return self.right_arguments >= LEAST_RIGHT and self.false_calls <= MOST_FALSE


def _text(name: str, *, required: bool = True) -> ToolParameter:
    return ToolParameter(name, required=required)


PROBE_TOOLS: Sequence[Tool] = (
    Tool("timer_set", "Start a timer.", (_text("duration"), _text("name", required=False))),
    Tool("timer_cancel_all", "Remove all timers."),
    Tool("alarm_set", "Set an alarm.", (_text("time"),)),
    Tool("list_add", "Put something on a list.", (_text("item"), _text("list", required=False))),
    Tool("volume_set", "Set the volume.", (ToolParameter("percent", kind="integer"),)),
    Tool(
        "light_switch",
        "Switch a light.",
        (ToolParameter("room"), ToolParameter("state", choices=("on", "off"))),
    ),
    Tool("coin_flip", "Flip a coin."),
    Tool("device_temperature", "Tell how hot the processor is."),
)

CALLS: Sequence[tuple[str, str, Mapping[str, Any]]] = (
    ("start a timer for ten minutes", "timer_set", {"duration": "ten|10"}),
    ("set a timer for 3 minutes for the eggs", "timer_set", {"duration": "three|3"}),
    ("get rid of all my timers", "timer_cancel_all", {}),
    ("wake me up at seven tomorrow", "alarm_set", {"time": "seven|7"}),
    ("i need to get up at 6:30", "alarm_set", {"time": "6:30"}),
    ("put milk on the shopping list", "list_add", {"item": "milk"}),
    ("we are out of bread, note that down", "list_add", {"item": "bread"}),
    ("make the volume 40 percent", "volume_set", {"percent": 40}),
    ("turn the light in the kitchen off", "light_switch", {"room": "kitchen", "state": "off"}),
    (
        "it is dark in the hall, switch the light on",
        "light_switch",
        {"room": "hall", "state": "on"},
    ),
    ("heads or tails", "coin_flip", {}),
    ("how hot is your processor", "device_temperature", {}),
)

WORDS: Sequence[str] = (
    "good morning",
    "what is the capital of italy",
    "tell me a joke",
    "why is the sky blue",
    "who invented the alarm clock",
    "how are you",
    "what is a light year",
    "do you like coins",
    "explain what a processor is",
    "thank you very much",
)


def probe(model: LanguageModel) -> ProbeResult:
    """Ask ``model`` all cases, greedily, under the same rules and grammar as in a turn."""
    right_tool = right_arguments = false = 0
    for text, name, arguments in CALLS:
        call = read_call(reply) if is_call(reply := _ask(model, text)) else None
        if call is not None and call.name == name:
            right_tool += 1
            right_arguments += all(_same(call.arguments.get(k), v) for k, v in arguments.items())
    for text in WORDS:
        false += is_call(_ask(model, text))
    return ProbeResult(
        right_tool=round(right_tool / len(CALLS), 3),
        right_arguments=round(right_arguments / len(CALLS), 3),
        false_calls=round(false / len(WORDS), 3),
        cases=len(CALLS) + len(WORDS),
    )


def _ask(model: LanguageModel, text: str) -> str:
    rules = f"You are a voice assistant.\n\n{tool_rules(PROBE_TOOLS)}"
    options = Generation(_TOKENS, temperature=0.0, grammar=tool_grammar(PROBE_TOOLS))
    messages = [Message("system", rules), *tool_examples(PROBE_TOOLS), Message("user", text)]
    return "".join(model.generate(messages, options, Cancellation()))


def _same(found: object, wanted: object) -> bool:
    """Whether an argument says what was wanted (``a|b``: either); words around it do no harm."""
    if isinstance(wanted, str):
        return isinstance(found, str) and any(way in found.lower() for way in wanted.split("|"))
    return found == wanted
