"""Errors as answers: which status and which word each of ours has."""

from __future__ import annotations

import logging
from collections.abc import Mapping

from pydantic import ValidationError
from starlette.responses import JSONResponse, Response

from edgebot.core.errors import (
    AudioError,
    Cancelled,
    ConfigError,
    EdgebotError,
    KnowledgeError,
    UsageError,
)
from edgebot.server.house import Busy, NoMicrophone
from edgebot.server.http.operation import Refusal

_LOG = logging.getLogger(__name__)

_STATUS: tuple[tuple[type[EdgebotError], int, str], ...] = (
    (Busy, 503, "busy"),
    (NoMicrophone, 409, "no_microphone"),
    (Cancelled, 503, "cancelled"),
    (UsageError, 400, "invalid"),
    (AudioError, 400, "bad_audio"),
    (KnowledgeError, 400, "bad_document"),
    (ConfigError, 400, "bad_settings"),
)
"""Everything else of ours is 503 ``unavailable``: a model is missing, an engine or disk fails."""


def refusal_of(problem: Exception) -> Refusal:
    """What ``problem`` is to a client."""
    if isinstance(problem, Refusal):
        return problem
    if isinstance(problem, ValidationError):
        return Refusal(400, "invalid", _mistakes(problem))
    for kind, status, code in _STATUS:
        if isinstance(problem, kind):
            return Refusal(status, code, str(problem))
    if isinstance(problem, EdgebotError):
        _LOG.warning("%s", problem)
        return Refusal(503, "unavailable", str(problem))
    _LOG.error("a request failed", exc_info=problem)
    return Refusal(500, "failed", "that failed; the log tells why")


def answer_to(problem: Exception) -> Response:
    """The same as a response."""
    refusal = refusal_of(problem)
    return refused(refusal.status, refusal.code, refusal.message)


def refused(
    status: int, code: str, message: str, headers: Mapping[str, str] | None = None
) -> Response:
    """An error as JSON."""
    wanted = dict(headers or {})
    if status in (429, 503):
        wanted.setdefault("Retry-After", "2")
    if status == 401:
        wanted.setdefault("WWW-Authenticate", 'Bearer realm="edgebot"')
    return JSONResponse({"error": {"message": message, "code": code}}, status, wanted)


def _mistakes(problem: ValidationError) -> str:
    told = []
    for mistake in problem.errors(include_url=False, include_context=False, include_input=False)[
        :5
    ]:
        where = ".".join(map(str, mistake["loc"]))
        told.append(f"{where}: {mistake['msg']}" if where else str(mistake["msg"]))
    return "; ".join(told)
