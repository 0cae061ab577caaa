"""OpenAI's messages, as far as they mean something here; what is not known is ignored."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import Field

from edgebot.server.http.operation import Lenient, Wire

Short = Annotated[str, Field(min_length=1, max_length=200)]
_LONGEST = 100_000


class Part(Lenient):
    """A piece of a message; only text is read."""

    type: str
    text: str = Field(default="", max_length=_LONGEST)


class Called(Lenient):
    """A function and its arguments."""

    name: str
    arguments: str = "{}"
    """JSON."""


class AskedCall(Lenient):
    """A call the model asked for."""

    id: str = ""
    type: Literal["function"] = "function"
    function: Called


class ChatMessage(Lenient):
    """A message of a conversation."""

    role: Literal["system", "developer", "user", "assistant", "tool"]
    content: Annotated[str, Field(max_length=_LONGEST)] | list[Part] | None = None
    tool_calls: list[AskedCall] = Field(default=[], max_length=64)

    @property
    def text(self) -> str:
        """The words."""
        if isinstance(self.content, list):
            return "\n".join(part.text for part in self.content if part.type == "text")
        return self.content or ""


class Function(Lenient):
    """A function the client offers."""

    name: str = Field(pattern=r"^[A-Za-z0-9_.\-]{1,64}$")
    description: str = Field(default="", max_length=2000)
    parameters: dict[str, Any] = Field(default={})
    """JSON Schema of an object with plain properties."""


class OfferedTool(Lenient):
    """A tool the client offers."""

    type: Literal["function"]
    function: Function


class Named(Lenient):
    """The name of a function."""

    name: str


class ForcedTool(Lenient):
    """The tool that has to be called."""

    type: Literal["function"]
    function: Named


class StreamOptions(Lenient):
    """How to stream."""

    include_usage: bool = False


class ChatRequest(Lenient):
    """A conversation to be gone on with."""

    model: Short
    messages: list[ChatMessage] = Field(min_length=1, max_length=1000)
    stream: bool = False
    stream_options: StreamOptions | None = None
    max_tokens: int | None = Field(default=None, ge=1, le=8192)
    max_completion_tokens: int | None = Field(default=None, ge=1, le=8192)
    temperature: float | None = Field(default=None, ge=0, le=2)
    top_p: float | None = Field(default=None, gt=0, le=1)
    seed: int | None = Field(default=None, ge=0, le=2**31 - 1)
    stop: Short | list[Short] | None = None
    n: Literal[1] | None = None
    tools: list[OfferedTool] = Field(default=[], max_length=64)
    tool_choice: Literal["none", "auto", "required"] | ForcedTool | None = None
    user: str | None = Field(default=None, max_length=200)


class Usage(Wire):
    """Tokens."""

    prompt_tokens: int
    completion_tokens: int = 0
    total_tokens: int


class Answered(Wire):
    """The assistant's message."""

    role: Literal["assistant"] = "assistant"
    content: str | None
    tool_calls: list[AskedCall] | None = None
    refusal: None = None


class Choice(Wire):
    """The one choice."""

    index: int = 0
    message: Answered
    finish_reason: str
    logprobs: None = None


class ChatAnswer(Wire):
    """A completion."""

    id: str
    object: Literal["chat.completion"] = "chat.completion"
    created: int
    model: str
    choices: list[Choice]
    usage: Usage | None = None


class OneModel(Wire):
    """A model that may be named."""

    id: str
    object: Literal["model"] = "model"
    created: int = 0
    owned_by: str = "edgebot"


class ModelList(Wire):
    """All of them."""

    object: Literal["list"] = "list"
    data: list[OneModel]


class EmbeddingRequest(Lenient):
    """Texts to be embedded."""

    model: Short
    input: (
        Annotated[str, Field(min_length=1, max_length=20_000)]
        | Annotated[
            list[Annotated[str, Field(min_length=1, max_length=20_000)]],
            Field(min_length=1, max_length=256),
        ]
    )
    encoding_format: Literal["float", "base64"] = "float"
    dimensions: int | None = Field(default=None, ge=1)


class OneEmbedding(Wire):
    """A text's vector."""

    object: Literal["embedding"] = "embedding"
    index: int
    embedding: list[float] | str


class EmbeddingAnswer(Wire):
    """All vectors."""

    object: Literal["list"] = "list"
    data: list[OneEmbedding]
    model: str
    usage: Usage


class SpeechRequest(Lenient):
    """A text to be spoken."""

    model: Short
    input: str = Field(min_length=1, max_length=10_000)
    voice: Any = None
    """Taken and ignored: the voice is the household's."""

    response_format: Literal["mp3", "opus", "flac", "wav", "pcm"] = "mp3"
    speed: float = Field(default=1.0, ge=0.25, le=4.0)


class Transcription(Wire):
    """What was said."""

    text: str
