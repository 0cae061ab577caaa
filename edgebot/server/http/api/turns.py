"""Asking by text and by voice, and what became of it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Annotated, Any
from urllib.parse import quote

from pydantic import Field
from starlette.responses import Response

from edgebot.dialogue import turnlog
from edgebot.runtime.answers import describe
from edgebot.runtime.live import ledger
from edgebot.runtime.live.starting import ledger_file
from edgebot.server.house import MAX_CHARACTERS, Answer, House
from edgebot.server.http.audio import RECORDINGS, decoded, wav_of
from edgebot.server.http.operation import Call, Operation, Wire, not_found

Session = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.:\-]{1,64}$")]


class Question(Wire):
    """Something to be answered."""

    text: str = Field(min_length=1, max_length=MAX_CHARACTERS)
    session: Session = "http"
    """Whose conversation it is; each has its own history."""


class Recording(Wire):
    """What goes with a recording."""

    session: Session = "http"
    """Whose conversation it is; each has its own history."""


class Said(Wire):
    """An answer."""

    turn: str
    """Its id, for ``/api/turns/{id}``."""

    session: str
    transcript: str
    """What was asked, as it was understood."""

    reply: str
    route: str
    """``command knowledge llm repair``."""

    intent: str | None
    slots: dict[str, Any]
    sources: list[str]
    expects_answer: bool
    """The assistant asked something back."""

    ms: dict[str, float]
    """Clock marks in milliseconds since the end of the question."""


class Some(Wire):
    """How many."""

    last: int = Field(default=20, ge=1, le=1000)


class TurnRecord(Wire):
    """How a turn was decided. Words are there as long as this process remembers them."""

    turn: str
    session: str
    text: str | None = None
    route: str
    intent: str | None
    slots: Any
    sources: list[str]
    rungs: list[dict[str, Any]]
    """What each rung of the ladder said: ``rung, score, reason, details, ms``."""

    failure: str = ""
    marks_ms: dict[str, float]
    at: str


class Turns(Wire):
    """The last turns, oldest first."""

    turns: list[TurnRecord]


class Timed(Wire):
    """Where the time of one spoken turn went, in milliseconds since the end of speech."""

    at: str
    turn: str
    by: str
    route: str
    intent: str | None
    interrupted: bool
    ms: dict[str, float]


class Latency(Wire):
    """Response times of the voice, by turn and summed up."""

    stages: list[str]
    turns: list[Timed]
    summary: dict[str, dict[str, dict[str, float]]]
    """Route → stage → ``p50 p95 n``."""


async def ask(call: Call) -> Said | Response:
    """Answer a typed question."""
    asked = call.json(Question)
    spoken = _wants_wav(call)
    answer = await call.house.ask(asked.text, asked.session, by="http", spoken=spoken)
    return _given(answer, spoken)


async def turn(call: Call) -> Said | Response:
    """Answer a recording."""
    wanted = call.query(Recording)
    kind = call.request.headers.get("content-type", "")
    limit_s = call.house.settings.stt.max_utterance_s
    samples = await call.house.look(lambda: decoded(call.content, kind, limit_s))
    spoken = _wants_wav(call)
    answer = await call.house.hear(samples, wanted.session, by="http", spoken=spoken)
    return _given(answer, spoken)


def said_of(answer: Answer) -> Said:
    """An answer as it goes over the wire."""
    described = json.loads(json.dumps(describe(answer.report), default=str))
    described["sources"] = [source.rpartition("/")[2] for source in described["sources"]]
    return Said(
        turn=answer.turn,
        session=answer.session,
        transcript=answer.report.transcript.text,
        expects_answer=answer.report.decision.expects_answer,
        ms=answer.ms,
        **described,
    )


def _wants_wav(call: Call) -> bool:
    kinds = call.request.headers.get("accept", "").lower()
    return "audio/wav" in kinds or "audio/x-wav" in kinds


def _given(answer: Answer, spoken: bool) -> Said | Response:
    if not spoken or answer.audio is None:
        return said_of(answer)
    told = {
        "X-Edgebot-Turn": answer.turn,
        "X-Edgebot-Transcript": quote(answer.report.transcript.text[:1000]),
        "X-Edgebot-Reply": quote(answer.reply[:1000]),
    }
    return Response(wav_of(answer.audio, answer.rate_hz), media_type="audio/wav", headers=told)


async def turns(call: Call) -> Turns:
    """The last decisions."""
    last = call.query(Some).last
    kept = await call.house.look(lambda: _kept(call.house))
    return Turns(turns=[_record(one) for one in kept[-last:]])


async def forget(call: Call) -> None:
    """Remove all decisions that are remembered."""
    await call.house.look(call.house.forget_turns)


async def why(call: Call) -> TurnRecord:
    """One decision with everything there is to tell."""
    kept = await call.house.look(lambda: _kept(call.house))
    for one in reversed(kept):
        if one.get("turn") == call.path["id"]:
            return _record(one)
    raise not_found("no such turn is kept; see dialogue.keep_turns")


async def latency(call: Call) -> Latency:
    """Response times of the last spoken turns."""
    last = call.query(Some).last
    file = ledger_file(call.house.settings)
    daemon = call.house.daemon
    if daemon is not None:
        records = daemon.parts.ledger.last()
    else:
        records = await call.house.look(lambda: ledger.read(file) if file else [])
    shown = [
        Timed(**{name: one[name] for name in Timed.model_fields})
        for one in records[-last:]
        if Timed.model_fields.keys() <= one.keys()
    ]
    return Latency(stages=list(ledger.STAGES), turns=shown, summary=ledger.summary(records))


def _kept(house: House) -> list[dict[str, Any]]:
    """What this process remembers, with words; and what others left in the file, without."""
    own = house.last_turns()
    known = {one["turn"] for one in own}
    others = turnlog.read(turnlog.turns_file(house.settings.state_dir))
    both = [*(one for one in others if one.get("turn") not in known), *own]
    return sorted(both, key=lambda one: str(one.get("at", "")))


def _record(one: Mapping[str, Any]) -> TurnRecord:
    plain = json.loads(json.dumps(dict(one), default=str))
    plain["sources"] = [source.rpartition("/")[2] for source in plain["sources"]]
    return TurnRecord(**{name: plain[name] for name in TurnRecord.model_fields if name in plain})


OPERATIONS = (
    Operation(
        "POST", "/api/ask", "Answer a typed question.", ask, "turns",
        body=Question, answer=Said, also=("audio/wav",),
    ),
    Operation(
        "POST", "/api/turn", "Answer a recording, in words or (`Accept: audio/wav`) by voice.",
        turn, "turns", query=Recording, takes=RECORDINGS, answer=Said, also=("audio/wav",),
    ),
    Operation(
        "GET", "/api/turns", "List the last turns.", turns, "turns", query=Some, answer=Turns
    ),
    Operation(
        "DELETE", "/api/turns", "Forget the last turns.", forget, "turns", status=204
    ),
    Operation(
        "GET", "/api/turns/{id}", "Tell why a turn was answered as it was.", why, "turns",
        answer=TurnRecord,
    ),
    Operation(
        "GET", "/api/latency", "Show where the time of spoken turns went.", latency, "turns",
        query=Some, answer=Latency,
    ),
)  # fmt: skip
