"""``/v1/audio`` and ``/v1/embeddings``."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator

import numpy as np
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from edgebot.core.cancel import Cancellation
from edgebot.core.embedding import Vectors
from edgebot.server.http.audio import decoded, encoded
from edgebot.server.http.body import content_of, kind_of
from edgebot.server.http.openai.models import check
from edgebot.server.http.openai.wire import (
    EmbeddingAnswer,
    EmbeddingRequest,
    OneEmbedding,
    SpeechRequest,
    Transcription,
    Usage,
)
from edgebot.server.http.operation import Call, Refusal

_KINDS = {
    "mp3": "audio/mpeg",
    "opus": "audio/ogg",
    "flac": "audio/flac",
    "wav": "audio/wav",
    "pcm": "audio/pcm",
}
_PCM_HZ = 24_000
"""The rate that clients of the protocol expect of ``pcm``."""


async def transcribe(call: Call) -> Transcription | Response:
    """Write down what a recording says."""
    form = await _form(call)
    file, model = form.get("file"), str(form.get("model") or "whisper-1")
    if not isinstance(file, UploadFile):
        raise Refusal(400, "invalid", "send the recording as the field `file`")
    check(call.house, "stt", model)
    wanted = str(form.get("response_format") or "json")
    if wanted not in ("json", "text", "verbose_json"):
        raise Refusal(400, "invalid", "response_format is json, text or verbose_json")
    content = await file.read()
    limit_s = call.house.settings.stt.max_utterance_s
    samples = await call.house.look(lambda: decoded(content, "", limit_s))
    text = await call.house.transcribe(samples)
    if wanted == "text":
        return PlainTextResponse(text + "\n")
    if wanted == "verbose_json":
        facts = {"task": "transcribe", "language": call.house.settings.language}
        return JSONResponse({**facts, "duration": len(samples) / 16_000, "text": text})
    return Transcription(text=text)


async def speak(call: Call) -> Response:
    """Speak a text."""
    wanted = call.json(SpeechRequest)
    check(call.house, "tts", wanted.model)
    if abs(wanted.speed - 1.0) > 0.01:
        raise Refusal(400, "invalid", "the voice's pace is set by tts.speed; leave `speed` out")
    samples, rate_hz = await call.house.speech(wanted.input)
    form = wanted.response_format
    sound = await call.house.look(lambda: encoded(samples, rate_hz, form.upper(), _PCM_HZ))
    return Response(sound, media_type=_KINDS[form])


async def embed(call: Call) -> EmbeddingAnswer:
    """Turn texts into vectors."""
    wanted, house = call.json(EmbeddingRequest), call.house
    check(house, "embedder", wanted.model)
    texts = [wanted.input] if isinstance(wanted.input, str) else wanted.input
    cancellation = Cancellation()

    def work() -> Vectors:
        rows = []
        for start in range(0, len(texts), 16):
            cancellation.raise_if_set()
            rows.append(house.assembly.embedder().embed(texts[start : start + 16]))
        return np.concatenate(rows)

    vectors = await house.places.turn(work, cancellation)
    if wanted.dimensions is not None and wanted.dimensions != vectors.shape[1]:
        raise Refusal(400, "invalid", f"the vectors have {vectors.shape[1]} dimensions, no others")
    return EmbeddingAnswer(
        data=[
            OneEmbedding(index=index, embedding=_shown(vector, wanted.encoding_format))
            for index, vector in enumerate(vectors)
        ],
        model=wanted.model,
        usage=_words(texts),
    )


def _shown(vector: Vectors, form: str) -> list[float] | str:
    if form == "base64":
        return base64.b64encode(vector.astype("<f4").tobytes()).decode()
    return [float(one) for one in vector]


def _words(texts: list[str]) -> Usage:
    """About as many tokens as words."""
    count = sum(len(text.split()) for text in texts)
    return Usage(prompt_tokens=count, total_tokens=count)


class _InMemory(MultiPartParser):
    """What people say is never written to disk."""

    spool_max_size = 2**31


async def _form(call: Call) -> dict[str, object]:
    request: Request = call.request
    if kind_of(request) != "multipart/form-data":
        raise Refusal(415, "wrong_type", "send multipart/form-data")
    content = await content_of(request, call.house.settings.server.max_body_mb * 1_000_000)

    async def stream() -> AsyncIterator[bytes]:
        yield content
        yield b""

    try:
        parser = _InMemory(request.headers, stream(), max_files=1, max_fields=20)  # type: ignore[arg-type]
        form = await parser.parse()
    except (MultiPartException, KeyError, ValueError) as problem:
        reason = getattr(problem, "message", "") or "it is damaged"
        raise Refusal(400, "invalid", f"the form cannot be read: {reason}") from None
    return dict(form.items())
