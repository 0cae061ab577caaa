"""``/v1/chat/completions``: the assistant with its skills, or its language model alone."""

from __future__ import annotations

import asyncio
import hashlib
import json
import time
import uuid
from collections import OrderedDict
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from typing import Any, Literal, cast

from starlette.responses import Response, StreamingResponse

from edgebot.core.language import Generation, Message, Tool, ToolParameter
from edgebot.runtime.language import is_call, read_call, with_tools
from edgebot.server.completion import Completion, complete
from edgebot.server.house import House
from edgebot.server.http.openai.models import ASSISTANT, language_model_of
from edgebot.server.http.openai.wire import (
    Answered,
    AskedCall,
    Called,
    ChatAnswer,
    ChatMessage,
    ChatRequest,
    Choice,
    ForcedTool,
    Usage,
)
from edgebot.server.http.operation import Call, Refusal
from edgebot.server.http.problems import refusal_of

_DEFAULT_TOKENS = 512
_KINDS = ("string", "integer", "number", "boolean")
_CONVERSATIONS = 256

Told = Callable[[str], None]


class Conversations:
    """Which session goes on: told by what was said in it so far, word for word.

    The protocol has no sessions; a client sends everything again. Each is used up when it goes on,
    so two clients who had the same conversation do not meet in one.
    """

    def __init__(self) -> None:
        self._sessions: OrderedDict[str, str] = OrderedDict()

    def session(self, wanted: ChatRequest, before: Sequence[tuple[str, str]]) -> str:
        """The session of a request whose last message follows ``before``."""
        if wanted.user:
            return "openai:" + hashlib.sha256(wanted.user.encode()).hexdigest()[:16]
        return self._sessions.pop(_digest(before), "") or "openai:" + uuid.uuid4().hex[:16]

    def keep(self, session: str, said: Sequence[tuple[str, str]]) -> None:
        """``said`` is what ``session`` has come to."""
        self._sessions[_digest(said)] = session
        while len(self._sessions) > _CONVERSATIONS:
            self._sessions.popitem(last=False)


def _digest(said: Sequence[tuple[str, str]]) -> str:
    return hashlib.sha256(json.dumps(list(said)).encode()).hexdigest()


CONVERSATIONS = Conversations()


async def chat(call: Call) -> ChatAnswer | Response:
    """Go on with a conversation."""
    wanted = call.json(ChatRequest)
    if wanted.model == ASSISTANT:
        work = _assistant(call.house, wanted)
    else:
        language_model_of(call.house, wanted.model)
        work = _language_model(call.house, wanted)
    if not wanted.stream:
        return await work(lambda text: None)
    return StreamingResponse(_stream(wanted, work), media_type="text/event-stream")


Work = Callable[[Told], Awaitable[ChatAnswer]]


def _assistant(house: House, wanted: ChatRequest) -> Work:
    if wanted.tools and wanted.tool_choice != "none":
        raise Refusal(
            400, "invalid", f"{ASSISTANT} has skills of its own; name a language model for tools"
        )
    said = [(one.role, one.text) for one in wanted.messages if one.role in ("user", "assistant")]
    if not said or said[-1][0] != "user":
        raise Refusal(400, "invalid", "the last message has to be the user's")
    session = CONVERSATIONS.session(wanted, said[:-1])

    async def work(told: Told) -> ChatAnswer:
        first = True

        def sentence(text: str) -> None:
            nonlocal first
            told(text if first else " " + text)
            first = False

        answer = await house.ask(said[-1][1], session, by="openai", on_sentence=sentence)
        CONVERSATIONS.keep(session, [*said, ("assistant", answer.reply)])
        return _answer(wanted, Answered(content=answer.reply), "stop", None)

    return work


def _language_model(house: House, wanted: ChatRequest) -> Work:
    messages = [_plain(one) for one in wanted.messages]
    tools = [] if wanted.tool_choice == "none" else _tools(wanted)
    grammar = None
    if tools:
        forced = isinstance(wanted.tool_choice, ForcedTool) or wanted.tool_choice == "required"
        messages, grammar = with_tools(messages, tools, forced=forced)
    options = _options(wanted, grammar)

    async def work(told: Told) -> ChatAnswer:
        made = await complete(house, messages, options, told)
        usage = Usage(
            prompt_tokens=made.prompt_tokens,
            completion_tokens=made.reply_tokens,
            total_tokens=made.prompt_tokens + made.reply_tokens,
        )
        message = _message(made, bool(tools))
        if message.tool_calls is None and tools:
            told(message.content or "")
        finish = "tool_calls" if message.tool_calls else made.finish
        return _answer(wanted, message, finish, usage)

    return work


def _message(made: Completion, tools: bool) -> Answered:
    if tools and is_call(made.text):
        found = read_call(made.text)
        if found is not None:
            arguments = json.dumps(dict(found.arguments), ensure_ascii=False)
            function = Called(name=found.name, arguments=arguments)
            asked = AskedCall(id=f"call_{uuid.uuid4().hex[:16]}", function=function)
            return Answered(content=None, tool_calls=[asked])
    return Answered(content=made.text.strip())


def _plain(one: ChatMessage) -> Message:
    role = "system" if one.role == "developer" else one.role
    text = one.text
    if one.tool_calls:
        calls = [
            json.dumps({"name": made.function.name, "arguments": _arguments(made.function)})
            for made in one.tool_calls
        ]
        text = "\n".join([*([text] if text else []), *calls])
    return Message(role, text)


def _arguments(called: Called) -> Any:
    try:
        return json.loads(called.arguments)
    except ValueError:
        raise Refusal(400, "invalid", "the arguments of a tool call are no JSON") from None


def _tools(wanted: ChatRequest) -> list[Tool]:
    tools = [
        Tool(
            offered.function.name,
            " ".join(offered.function.description.split()),
            _parameters(offered.function.name, offered.function.parameters),
        )
        for offered in wanted.tools
    ]
    if isinstance(wanted.tool_choice, ForcedTool):
        name = wanted.tool_choice.function.name
        tools = [tool for tool in tools if tool.name == name]
        if not tools:
            raise Refusal(400, "invalid", "tool_choice names a function that is not offered")
    return tools


def _parameters(name: str, schema: dict[str, Any]) -> tuple[ToolParameter, ...]:
    properties, required = schema.get("properties", {}), schema.get("required", [])
    if not isinstance(properties, dict) or not isinstance(required, list) or len(properties) > 16:
        raise Refusal(400, "invalid", f"{name}: parameters are a JSON Schema of a small object")
    found = []
    for key, facts in properties.items():
        kind = facts.get("type") if isinstance(facts, dict) else None
        if kind not in _KINDS:
            plain = ", ".join(_KINDS)
            raise Refusal(400, "invalid", f"{name}.{key[:64]}: arguments are of type {plain}")
        choices = facts.get("enum", []) if kind == "string" else []
        if not isinstance(choices, list) or not all(isinstance(one, str) for one in choices):
            raise Refusal(400, "invalid", f"{name}.{key[:64]}: enum is a list of texts")
        literal = cast(Literal["string", "integer", "number", "boolean"], kind)
        about = str(facts.get("description", ""))[:500]
        found.append(ToolParameter(key, literal, about, key in required, tuple(choices)))
    return tuple(found)


def _options(wanted: ChatRequest, grammar: str | None) -> Generation:
    usual = Generation()
    stop = [wanted.stop] if isinstance(wanted.stop, str) else wanted.stop or []
    return Generation(
        max_tokens=wanted.max_completion_tokens or wanted.max_tokens or _DEFAULT_TOKENS,
        temperature=usual.temperature if wanted.temperature is None else wanted.temperature,
        top_p=usual.top_p if wanted.top_p is None else wanted.top_p,
        seed=wanted.seed,
        stop=tuple(stop),
        grammar=grammar,
    )


def _answer(wanted: ChatRequest, message: Answered, finish: str, usage: Usage | None) -> ChatAnswer:
    return ChatAnswer(
        id=f"chatcmpl-{uuid.uuid4().hex[:24]}",
        created=int(time.time()),
        model=wanted.model,
        choices=[Choice(message=message, finish_reason=finish)],
        usage=usage,
    )


# --- streaming


async def _stream(wanted: ChatRequest, work: Work) -> AsyncIterator[str]:
    """Server-sent events: a chunk a piece, then ``[DONE]``. Ends the turn when nobody reads."""
    pieces: asyncio.Queue[str | None] = asyncio.Queue()
    task = asyncio.ensure_future(work(pieces.put_nowait))
    task.add_done_callback(lambda _: pieces.put_nowait(None))
    chunk = _Chunks(wanted)
    try:
        yield chunk.delta({"role": "assistant", "content": ""})
        while (piece := await pieces.get()) is not None:
            yield chunk.delta({"content": piece})
        try:
            done = task.result()
        except Exception as problem:  # noqa: BLE001 - the head is sent: told as an event
            refusal = refusal_of(problem)
            error = {"message": refusal.message, "code": refusal.code}
            yield f"data: {json.dumps({'error': error})}\n\n"
            return
        choice = done.choices[0]
        for index, asked in enumerate(choice.message.tool_calls or ()):
            yield chunk.delta({"tool_calls": [{"index": index, **asked.model_dump()}]})
        yield chunk.delta({}, choice.finish_reason)
        if wanted.stream_options and wanted.stream_options.include_usage and done.usage:
            yield chunk.usage(done.usage)
        yield "data: [DONE]\n\n"
    finally:
        task.cancel()


class _Chunks:
    def __init__(self, wanted: ChatRequest) -> None:
        self._head = {
            "id": f"chatcmpl-{uuid.uuid4().hex[:24]}",
            "object": "chat.completion.chunk",
            "created": int(time.time()),
            "model": wanted.model,
        }

    def delta(self, delta: dict[str, Any], finish: str | None = None) -> str:
        choice = {"index": 0, "delta": delta, "finish_reason": finish, "logprobs": None}
        return self._event({**self._head, "choices": [choice]})

    def usage(self, usage: Usage) -> str:
        return self._event({**self._head, "choices": [], "usage": usage.model_dump()})

    def _event(self, data: dict[str, Any]) -> str:
        return f"data: {json.dumps(data, ensure_ascii=False)}\n\n"
