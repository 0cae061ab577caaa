"""The OpenAI-compatible API, so that programs made for it can be pointed here."""

from __future__ import annotations

from edgebot.server.http.openai import chat, models, speech
from edgebot.server.http.openai.wire import (
    ChatAnswer,
    ChatRequest,
    EmbeddingAnswer,
    EmbeddingRequest,
    ModelList,
    OneModel,
    SpeechRequest,
    Transcription,
)
from edgebot.server.http.operation import Operation

_NO_MODEL = {404: "There is no such model."}

OPERATIONS: tuple[Operation, ...] = (
    Operation(
        "POST", "/v1/chat/completions", "Go on with a conversation.", chat.chat, "openai",
        body=ChatRequest, answer=ChatAnswer, also=("text/event-stream",), refusals=_NO_MODEL,
    ),
    Operation("GET", "/v1/models", "List the models.", models.models, "openai", answer=ModelList),
    Operation(
        "GET", "/v1/models/{model}", "Show a model.", models.model, "openai", answer=OneModel,
        refusals=_NO_MODEL,
    ),
    Operation(
        "POST", "/v1/embeddings", "Turn texts into vectors.", speech.embed, "openai",
        body=EmbeddingRequest, answer=EmbeddingAnswer, refusals=_NO_MODEL,
    ),
    Operation(
        "POST", "/v1/audio/transcriptions", "Write down what a recording says.",
        speech.transcribe, "openai", form=True, answer=Transcription, also=("text/plain",),
        refusals=_NO_MODEL,
    ),
    Operation(
        "POST", "/v1/audio/speech", "Speak a text.", speech.speak, "openai", body=SpeechRequest,
        also=("audio/mpeg", "audio/ogg", "audio/flac", "audio/wav", "audio/pcm"),
        refusals=_NO_MODEL,
    ),
)  # fmt: skip
