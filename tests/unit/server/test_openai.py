"""The official client against the OpenAI-compatible API."""

from __future__ import annotations

import io
from collections.abc import Iterator
from typing import Any

import numpy as np
import openai
import pytest
import soundfile

LLM = "smollm2-135m-instruct-q4_1"
TOOLS: Any = [
    {
        "type": "function",
        "function": {
            "name": "look",
            "description": "Looks somewhere",
            "parameters": {
                "type": "object",
                "properties": {"where": {"type": "string"}},
                "required": ["where"],
            },
        },
    }
]

NESTED = {"type": "object", "properties": {"b": {"type": "object"}}}


@pytest.fixture
def client(board: Any) -> Iterator[openai.OpenAI]:
    with openai.OpenAI(base_url=f"{board.url}/v1", api_key="none", max_retries=0) as made:
        yield made


def user(text: str) -> Any:
    return {"role": "user", "content": text}


def test_models(client: openai.OpenAI) -> None:
    names = [one.id for one in client.models.list()]
    assert names[0] == "edgebot" and LLM in names
    assert client.models.retrieve("edgebot").id == "edgebot"
    with pytest.raises(openai.NotFoundError):
        client.models.retrieve("gpt-4o")


def test_the_assistant_answers_and_remembers_the_conversation(client: openai.OpenAI) -> None:
    said = [user("set a timer")]
    asked = client.chat.completions.create(model="edgebot", messages=said)
    question = asked.choices[0].message.content
    assert question and question.endswith("?")
    others = [*said, {"role": "assistant", "content": "something else"}, user("five minutes")]
    other = client.chat.completions.create(model="edgebot", messages=others)
    said += [{"role": "assistant", "content": question}, user("five minutes")]
    done = client.chat.completions.create(model="edgebot", messages=said)
    assert "five minutes" in (done.choices[0].message.content or "").lower()
    assert other.choices[0].message.content != done.choices[0].message.content


def test_the_assistant_streams(client: openai.OpenAI) -> None:
    chunks = list(
        client.chat.completions.create(
            model="edgebot", messages=[user("what is two plus three")], stream=True
        )
    )
    assert "five" in "".join(one.choices[0].delta.content or "" for one in chunks)
    assert chunks[-1].choices[0].finish_reason == "stop"


def test_the_language_model_answers(client: openai.OpenAI) -> None:
    parts: Any = [{"type": "text", "text": "count"}]
    said: Any = [{"role": "developer", "content": "Be brief."}, {"role": "user", "content": parts}]
    made = client.chat.completions.create(model=LLM, messages=said)
    assert made.choices[0].message.content == "One two three."
    assert made.choices[0].finish_reason == "stop"
    assert made.usage and made.usage.completion_tokens == 3


def test_the_language_model_streams(client: openai.OpenAI) -> None:
    chunks = list(
        client.chat.completions.create(
            model=LLM,
            messages=[user("count")],
            max_tokens=2,
            stream=True,
            stream_options={"include_usage": True},
        )
    )
    assert (
        "".join(one.choices[0].delta.content or "" for one in chunks if one.choices) == "One two "
    )
    assert [one.choices[0].finish_reason for one in chunks if one.choices][-1] == "length"
    assert chunks[-1].usage and chunks[-1].usage.total_tokens > 2


@pytest.mark.parametrize("stream", [False, True])
@pytest.mark.parametrize("choice", ["required", {"type": "function", "function": {"name": "look"}}])
def test_tools_are_called(client: openai.OpenAI, stream: bool, choice: Any) -> None:
    asked: Any = {"model": LLM, "messages": [user("look")], "tools": TOOLS, "tool_choice": choice}
    if stream:
        deltas = [one.choices[0] for one in client.chat.completions.create(**asked, stream=True)]
        calls = [call for one in deltas for call in one.delta.tool_calls or ()]
        finish = deltas[-1].finish_reason
    else:
        only = client.chat.completions.create(**asked).choices[0]
        calls, finish = only.message.tool_calls or [], only.finish_reason
    assert finish == "tool_calls"
    assert calls[0].function.name == "look"
    assert calls[0].function.arguments == '{"where": "here"}'


def test_the_result_of_a_tool_is_read(client: openai.OpenAI, board: Any) -> None:
    call = {
        "id": "1",
        "type": "function",
        "function": {"name": "look", "arguments": '{"where": "here"}'},
    }
    messages: Any = [
        user("look"),
        {"role": "assistant", "content": None, "tool_calls": [call]},
        {"role": "tool", "tool_call_id": "1", "content": "a cat"},
    ]
    client.chat.completions.create(model=LLM, messages=messages)
    asked = board.assembly.language_model().asked[-1]
    assert [one.role for one in asked] == ["user", "assistant", "tool"]
    assert "here" in asked[1].content and asked[2].content == "a cat"


@pytest.mark.parametrize(
    "wrong",
    [
        {"model": "gpt-4o"},
        {"messages": []},
        {"n": 2},
        {"temperature": 9},
        {"max_tokens": 0},
        {"tools": [{"type": "function", "function": {"name": "a b"}}]},
        {
            "tools": [
                {
                    "type": "function",
                    "function": {
                        "name": "a",
                        "parameters": {"properties": {"b": {"type": "object"}}},
                    },
                }
            ]
        },
        {"tools": TOOLS, "tool_choice": {"type": "function", "function": {"name": "other"}}},
        {"messages": [{"role": "user", "content": "word " * 5000}]},
    ],
)
def test_what_makes_no_sense_is_refused(client: openai.OpenAI, wrong: dict[str, Any]) -> None:
    asked: Any = {"model": LLM, "messages": [user("hi")], **wrong}
    with pytest.raises((openai.BadRequestError, openai.NotFoundError)):
        client.chat.completions.create(**asked)


def test_embeddings(client: openai.OpenAI) -> None:
    made = client.embeddings.create(model="text-embedding-3-small", input=["a", "b"])
    assert len(made.data) == 2 and len(made.data[0].embedding) == 16
    plain = client.embeddings.create(
        model="text-embedding-3-small", input="a", encoding_format="float"
    )
    assert np.allclose(plain.data[0].embedding, made.data[0].embedding)
    with pytest.raises(openai.BadRequestError):
        client.embeddings.create(model="text-embedding-3-small", input="a", dimensions=3)


def recording() -> bytes:
    out = io.BytesIO()
    soundfile.write(out, np.zeros(8000, np.int16), 16_000, format="FLAC")
    return out.getvalue()


def test_transcriptions(client: openai.OpenAI) -> None:
    made = client.audio.transcriptions.create(model="whisper-1", file=("a.flac", recording()))
    assert made.text == "what is two plus three"
    text: Any = client.audio.transcriptions.create(
        model="whisper-1", file=("a.flac", recording()), response_format="text"
    )
    assert str(text).strip() == "what is two plus three"
    for wrong in (b"", b"nothing"):
        with pytest.raises(openai.BadRequestError):
            client.audio.transcriptions.create(model="whisper-1", file=("a.wav", wrong))


@pytest.mark.parametrize(
    ("form", "head"),
    [("wav", b"RIFF"), ("flac", b"fLaC"), ("opus", b"OggS"), ("mp3", b"\xff"), ("pcm", b"")],
)
def test_speech(client: openai.OpenAI, form: Any, head: bytes) -> None:
    made = client.audio.speech.create(
        model="tts-1", voice="alloy", input="hello", response_format=form
    )
    assert len(made.content) > 50 and made.content.startswith(head)
    with pytest.raises(openai.BadRequestError):
        client.audio.speech.create(model="tts-1", voice="alloy", input="hello", speed=2.0)
