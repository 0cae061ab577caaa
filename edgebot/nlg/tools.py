"""Tools: skills the model may call. A grammar keeps every call well-formed."""

from __future__ import annotations

import json
import logging
from collections.abc import Generator, Sequence
from contextlib import closing
from dataclasses import replace

from edgebot.core.language import (
    Generation,
    LanguageModel,
    Message,
    ReplyRecord,
    Tool,
    Toolbox,
    ToolCall,
    ToolParameter,
    ToolResult,
)
from edgebot.core.turn import Turn
from edgebot.nlg.draft import Draft
from edgebot.nlg.prompt import as_data

log = logging.getLogger(__name__)

MOST_CALLS = 3
_LONGEST_RESULT = 1000
_CALL_TOKENS = 160

_GRAMMAR = r"""root ::= call | text
text ::= [^{{<\x60 \n] [^<{{]*
call ::= {calls}
string ::= "\"" char+ "\""
char ::= [^"\\\x00-\x1F] | "\\" ["\\/n]
integer ::= "-"? [0-9] [0-9]{{0,8}}
number ::= integer ( "." [0-9]{{1,6}} )?
boolean ::= "true" | "false"
ws ::= [ \n]?
{rules}"""


def tool_rules(tools: Sequence[Tool]) -> str:
    """The part of the system prompt that lists the tools and says how to call one.

    Signatures, not JSON schemas: the model needs names and meanings, the grammar sees to the form,
    and a household's sixty skills would not fit into a small context otherwise.
    """
    listed = "\n".join(f"{_signature(tool)}: {tool.description}" for tool in tools)
    return (
        f"# Tools\n\nYou may call one of these functions:\n{listed}\n\n"
        "If the user asks for what one of them does, answer with a JSON object and nothing else:\n"
        '{"name": "<name>", "arguments": {"<argument>": <value>}}\n'
        "Otherwise answer in words: greetings, small talk, questions about the world."
    )


def tool_examples(tools: Sequence[Tool]) -> list[Message]:
    """Exchanges shown to a model that has tools: words, a call, words.

    Without them a small model calls something whatever was said; without the call among them it
    calls nothing.
    """
    plain = next((tool for tool in tools if not any(p.required for p in tool.parameters)), None)
    called = []
    if plain is not None:
        call = json.dumps({"name": plain.name, "arguments": {}}, ensure_ascii=False)
        asked = plain.description.rstrip(".").lower()
        called = [Message("user", asked), Message("assistant", call)]
    return [
        Message("user", "hello"),
        Message("assistant", "Hello! How can I help you?"),
        *called,
        Message("user", "what is a timer"),
        Message("assistant", "A timer counts down and rings when the time is up."),
    ]


def _signature(tool: Tool) -> str:
    arguments = []
    for parameter in tool.parameters:
        kind = "|".join(parameter.choices) if parameter.choices else parameter.kind
        mark = "" if parameter.required else "?"
        arguments.append(f"{parameter.name}{mark}: {kind}")
    return f"{tool.name}({', '.join(arguments)})"


def tool_grammar(tools: Sequence[Tool]) -> str:
    """GBNF for a reply: words, or exactly one well-formed call of one of ``tools``.

    Syntax: https://github.com/ggml-org/llama.cpp/blob/master/grammars/README.md
    """
    rules = []
    for number, tool in enumerate(tools):
        name = _quoted(json.dumps(tool.name, ensure_ascii=False))
        rules.append(
            f'tool{number} ::= "{{" ws "\\"name\\":" ws {name} "," ws "\\"arguments\\":" ws '
            f"arguments{number} ws " + '"}"'
        )
        rules.append(f"arguments{number} ::= {_arguments(tool.parameters)}")
    calls = " | ".join(f"tool{number}" for number in range(len(tools)))
    return _GRAMMAR.format(calls=calls, rules="\n".join(rules))


def is_call(text: str) -> bool:
    """Whether a reply that begins like ``text`` is a call."""
    return text.lstrip().startswith("{")


def read_call(text: str) -> ToolCall | None:
    """The call in ``text``, or None when there is none that is well-formed."""
    try:
        data = json.loads(text)
        name, arguments = data["name"], data.get("arguments") or {}
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    if not isinstance(name, str) or not isinstance(arguments, dict):
        return None
    return ToolCall(name, arguments)


class ToolRounds:
    """A reply that may call tools before it answers: at most three times."""

    def __init__(
        self,
        model: LanguageModel,
        messages: Sequence[Message],
        options: Generation,
        toolbox: Toolbox | None,
        turn: Turn,
        record: ReplyRecord,
    ) -> None:
        self._model = model
        self._messages = list(messages)
        self._options = options
        self._toolbox = toolbox
        self._turn = turn
        self._record = record

    def pieces(self, draft: Draft | None = None) -> Generator[str, None, None]:
        """The words of the reply; calls are made on the way (this is where they take effect)."""
        while True:
            box = self._toolbox if len(self._record.calls) < MOST_CALLS else None
            written = yield from self._round(box, draft)
            if box is None or not written or self._turn.cancellation.is_set:
                return
            draft = None
            call = read_call(written)
            if call is None:
                log.warning("the model's tool call was torn off")
                return
            result = box.call(self._turn, call)
            self._record.calls.append(call)
            if result.spoken:
                yield result.text
                return
            self._messages += [Message("assistant", written), _as_message(result)]

    def _round(self, box: Toolbox | None, draft: Draft | None) -> Generator[str, None, str]:
        """One generation: yields words, returns the text of a call (empty when there is none)."""
        if box is None:
            yield from self._generate(self._options, draft)
            return ""
        options = replace(
            self._options,
            grammar=tool_grammar(box.tools),
            max_tokens=max(self._options.max_tokens, _CALL_TOKENS),
        )
        held, calls = "", False
        with closing(self._generate(options, draft)) as pieces:
            for piece in pieces:
                held += piece
                calls = is_call(held)
                if held.strip() and not calls:
                    yield held
                    held = ""
                    break
            if not calls:
                yield from pieces
            else:
                held += "".join(pieces)
        return held if calls else ""

    def _generate(self, options: Generation, draft: Draft | None) -> Generator[str, None, None]:
        cancellation = self._turn.cancellation
        if draft is not None:
            return draft.take(self._model, cancellation)
        return self._model.generate(self._messages, options, cancellation)


def _as_message(result: ToolResult) -> Message:
    return Message("tool", as_data(result.text)[:_LONGEST_RESULT])


def _arguments(parameters: Sequence[ToolParameter]) -> str:
    """Required arguments in their order, then any of the optional ones in theirs."""
    required = [_pair(parameter) for parameter in parameters if parameter.required]
    optional = [_pair(parameter) for parameter in parameters if not parameter.required]
    parts = ' "," ws '.join(required)
    if required:
        parts += "".join(f' ( "," ws {pair} )?' for pair in optional)
    elif optional:
        # the first one that is given has no comma before it
        ways = []
        for at, pair in enumerate(optional):
            rest = "".join(f' ( "," ws {other} )?' for other in optional[at + 1 :])
            ways.append(f"{pair}{rest}")
        parts = f"( {' | '.join(ways)} )?"
    return f'"{{" ws {parts} ws "}}"' if parts else '"{" ws "}"'


def _pair(parameter: ToolParameter) -> str:
    key = _quoted(json.dumps(parameter.name, ensure_ascii=False) + ":")
    if parameter.choices:
        values = " | ".join(
            _quoted(json.dumps(choice, ensure_ascii=False)) for choice in parameter.choices
        )
        return f"{key} ws ( {values} )"
    return f"{key} ws {parameter.kind}"


def _quoted(text: str) -> str:
    """``text`` as a literal of GBNF."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
