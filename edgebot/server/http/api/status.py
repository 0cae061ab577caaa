"""How the assistant is, and coming in with a browser."""

from __future__ import annotations

import os
import time
from typing import Any

import psutil
from pydantic import Field
from starlette.responses import JSONResponse, Response

from edgebot import __version__
from edgebot.core.errors import EdgebotError
from edgebot.server.house import House
from edgebot.server.http.api.room import Loudness, loudness_of
from edgebot.server.http.guard import COOKIE
from edgebot.server.http.operation import Call, Operation, Refusal, Wire
from edgebot.server.http.tokens import COOKIE_S, TokenFile

_BEGAN = time.monotonic()


class Model(Wire):
    """A model in use."""

    stage: str
    id: str | None
    """None: this machine goes without."""

    reason: str
    memory_mb: int


class Status(Wire):
    """How the assistant is."""

    version: str
    state: str
    """``asleep listening thinking speaking``."""

    language: str
    profile: str
    hardware: str
    uptime_s: float
    memory_mb: float
    """Of the process."""

    temperature_c: float | None
    sound: Loudness
    troubles: dict[str, int]
    """How often each sound device failed since the start."""

    models: list[Model]
    turns_inside: int
    """Turns that are worked on or wait, of all doors."""


class Health(Wire):
    """Whether audio flows and every stage answers."""

    ok: bool
    stages: dict[str, str]


class Login(Wire):
    """The token, from the page."""

    token: str = Field(min_length=1, max_length=200)


class Door(Wire):
    """What a browser has to know before it is in."""

    token_wanted: bool
    version: str


async def status(call: Call) -> Status:
    """How it is."""
    return await call.house.look(lambda: _status(call.house))


async def healthz(call: Call) -> Response:
    """Audio flows, stages answer."""
    told = health_of(call.house)
    return JSONResponse(told.model_dump(), 200 if told.ok else 503)


async def readyz(call: Call) -> Response:
    """The engines are loaded."""
    ready = call.house.ready()
    return JSONResponse({"ok": ready, "stages": {}}, 200 if ready else 503)


def health_of(house: House) -> Health:
    """Each stage: ``ok``, or for how long it has been silent."""
    stages: dict[str, str] = {}
    if (daemon := house.daemon) is not None:
        stages = dict.fromkeys(("speaker", "synthesizer", "responder", "ringer", "listener"), "ok")
        for stall in daemon.health.stalls():
            stages[stall.stage] = f"silent for {stall.silent_s:.1f} s"
        broken = daemon.broken()
        stages["microphone"] = "muted" if daemon.microphone_muted else "ok"
        stages |= dict.fromkeys(broken, "does not work")
    return Health(ok=all(one in ("ok", "muted") for one in stages.values()), stages=stages)


async def door(call: Call) -> Door:
    """Whether a token is needed."""
    return Door(token_wanted=_tokens(call).wanted(), version=__version__)


async def login(call: Call) -> Response:
    """Take the token, give a cookie that only this door reads and no script sees."""
    tokens, request = _tokens(call), call.request
    address = request.client.host if request.client else "?"
    if not tokens.opens(call.json(Login).token):
        if not request.app.state.guard.wrong(address):
            raise Refusal(429, "too_often", "too many wrong tokens; wait a minute")
        raise Refusal(401, "wrong_token", "this token opens nothing; see `edgebot server token`")
    answer = Response(status_code=204)
    if tokens.wanted():
        answer.set_cookie(
            COOKIE,
            tokens.cookie(),
            max_age=COOKIE_S,
            httponly=True,
            samesite="strict",
            secure=request.url.scheme == "https",
        )
    return answer


async def logout(call: Call) -> Response:
    """Forget the cookie."""
    answer = Response(status_code=204)
    answer.delete_cookie(COOKIE, httponly=True, samesite="strict")
    return answer


def _tokens(call: Call) -> TokenFile:
    tokens: TokenFile = call.request.app.state.tokens
    return tokens


def _status(house: House) -> Status:
    assembly = house.assembly
    hardware = assembly.hardware
    return Status(
        version=__version__,
        state=house.state,
        language=house.settings.language,
        profile=_or_unknown(lambda: assembly.profile.name),
        hardware=hardware.cpu or hardware.arch,
        uptime_s=round(time.monotonic() - _BEGAN, 1),
        memory_mb=round(psutil.Process(os.getpid()).memory_info().rss / 1e6, 1),
        temperature_c=hardware.temperature_c,
        sound=loudness_of(house),
        troubles=dict(house.daemon.outages) if house.daemon is not None else {},
        models=_models(house),
        turns_inside=house.places.inside,
    )


def _models(house: House) -> list[Model]:
    try:
        picks = house.assembly.plan.picks.values()
    except EdgebotError:
        return []
    return [
        Model(
            stage=pick.stage,
            id=pick.entry.id if pick.entry else None,
            reason=pick.reason,
            memory_mb=pick.memory_mb,
        )
        for pick in picks
    ]


def _or_unknown(look: Any) -> str:
    try:
        return str(look())
    except EdgebotError:
        return "unknown"


OPERATIONS = (
    Operation(
        "GET", "/healthz", "Does audio flow, does every stage answer?", healthz, "status",
        answer=Health, unwell=Health, access="open",
    ),
    Operation(
        "GET", "/readyz", "Are the engines loaded?", readyz, "status",
        answer=Health, unwell=Health, access="open",
    ),
    Operation("GET", "/api/status", "Show how the assistant is.", status, "status", answer=Status),
    Operation(
        "GET", "/api/door", "Tell whether a token is needed.", door, "status", answer=Door,
        access="open",
    ),
    Operation(
        "POST", "/api/login", "Take a token, give a browser its cookie.", login, "status",
        body=Login, status=204, access="open",
    ),
    Operation(
        "POST", "/api/logout", "Forget the cookie.", logout, "status", status=204, access="open"
    ),
)  # fmt: skip
