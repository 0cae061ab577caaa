"""Reading a request: bounded in size and time, of a known type."""

from __future__ import annotations

import asyncio

from pydantic import BaseModel
from starlette.requests import ClientDisconnect, Request

from edgebot.server.http.operation import Operation, Refusal

MAX_JSON = 1_000_000
"""Bytes of a JSON body."""

SLOW_S = 30.0
"""Longest time between two pieces of a body, in seconds."""

LONGEST_S = 300.0


async def content_of(request: Request, most: int) -> bytes:
    """The body, at most ``most`` bytes."""
    declared = request.headers.get("content-length", "")
    if declared.isdigit() and (len(declared) > 12 or int(declared) > most):
        raise too_large(most)
    pieces: list[bytes] = []
    size = 0
    stream = request.stream().__aiter__()
    try:
        async with asyncio.timeout(LONGEST_S):
            while True:
                try:
                    async with asyncio.timeout(SLOW_S):
                        piece = await anext(stream)
                except StopAsyncIteration:
                    return b"".join(pieces)
                size += len(piece)
                if size > most:
                    raise too_large(most)
                pieces.append(piece)
    except TimeoutError:
        raise Refusal(408, "too_slow", "the request took too long to arrive") from None
    except ClientDisconnect:
        raise Refusal(400, "gone", "the request broke off") from None


def too_large(most: int) -> Refusal:
    """The request is too large."""
    return Refusal(413, "too_large", f"more than {most} bytes; see server.max_body_mb")


def kind_of(request: Request) -> str:
    """The content type without its parameters."""
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()


async def json_of(request: Request, model: type[BaseModel]) -> BaseModel:
    """The JSON body as ``model``; raises ``ValidationError``."""
    content = await content_of(request, MAX_JSON)
    if not content and not request.headers.get("content-type"):
        content = b"{}"
    elif kind_of(request) != "application/json":
        raise Refusal(415, "wrong_type", "send JSON with `Content-Type: application/json`")
    return model.model_validate_json(content)


async def bytes_of(request: Request, operation: Operation, most: int) -> bytes:
    """The body of an operation that takes certain content types."""
    if kind_of(request) not in operation.takes:
        known = ", ".join(operation.takes)
        raise Refusal(415, "wrong_type", f"send one of these content types: {known}")
    content = await content_of(request, most)
    if not content:
        raise Refusal(400, "empty", "the body is empty")
    return content
