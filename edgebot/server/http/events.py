"""The WebSocket: what happens, as it happens; and orders, text and speech the other way."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, Literal

import numpy as np
from pydantic import Field, ValidationError
from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from edgebot.core.audio import RATE_HZ, Samples
from edgebot.runtime.live import bus as happened
from edgebot.runtime.live.bus import VOICE, Event, fields_of
from edgebot.server.house import MAX_CHARACTERS, House, session_of
from edgebot.server.http.api.turns import Session, said_of
from edgebot.server.http.operation import Refusal, Wire
from edgebot.server.http.problems import refusal_of

PATH = "/api/events"

_NAMES: Mapping[type, str] = {
    happened.StateChanged: "state",
    happened.Woken: "woken",
    happened.Followed: "followed",
    happened.PartialText: "partial",
    happened.FinalText: "final",
    happened.ReplySentence: "sentence",
    happened.ReplyHeard: "heard",
    happened.TurnEnded: "ended",
    happened.Level: "level",
    happened.BargedIn: "barged_in",
    happened.Trouble: "trouble",
    happened.Muted: "muted",
    happened.Changed: "changed",
}

_MESSAGES_A_SECOND = 100.0
_SLOW_S = 20.0
"""Who does not take a message for so long is let go."""

_TURNS_AT_ONCE = 4
"""Turns that one connection may have under way."""


class Order(Wire):
    """What a client may send as text; speech follows ``speech`` as binary messages."""

    type: Literal[
        "ask", "say", "listen", "stop", "mute", "volume", "levels", "speech", "speech_end", "cancel"
    ]
    text: str = Field(default="", max_length=MAX_CHARACTERS)
    session: Session | None = None
    spoken: bool = False
    """``ask`` and ``speech``: send the reply's sound too, as one WAV in a binary message."""

    on: bool = True
    """``mute`` and ``levels``."""

    what: Literal["microphone", "speaker"] = "microphone"
    percent: int = Field(default=50, ge=0, le=100)
    rate_hz: int = Field(default=RATE_HZ, ge=8000, le=96_000)
    """``speech``: of the 16-bit little-endian mono samples that follow."""


class Events:
    """The connections."""

    def __init__(self, house: House, most: int) -> None:
        self._house = house
        self._most = most
        self.open = 0

    def route(self) -> WebSocketRoute:
        """Where they come in."""
        return WebSocketRoute(PATH, self.serve, name="events")

    async def serve(self, socket: WebSocket) -> None:
        """One connection, to its end."""
        if self.open >= self._most:
            await socket.close(1013, "too many connections; try again later")
            return
        self.open += 1
        try:
            await socket.accept()
            await _Connection(self._house, socket).run()
        finally:
            self.open -= 1


class _Connection:
    def __init__(self, house: House, socket: WebSocket) -> None:
        self._house = house
        self._socket = socket
        wanted = socket.query_params.get("session", "")
        try:
            self._session = session_of(wanted or "page")
        except Exception:  # noqa: BLE001 - whatever was sent, a name of our own will do
            self._session = "page"
        self._listener = house.listen_to()
        self._levels = False
        self._turns: dict[asyncio.Task[None], str] = {}
        self._speech: list[bytes] | None = None
        self._speech_order: Order | None = None
        self._size = 0
        self._sending = asyncio.Lock()
        self._left, self._since = _MESSAGES_A_SECOND, time.monotonic()

    async def run(self) -> None:
        telling = asyncio.create_task(self._tell())
        try:
            await self._send(
                {"type": "hello", "state": self._house.state, "session": self._session}
            )
            while True:
                message = await self._socket.receive()
                if message["type"] == "websocket.disconnect":
                    break
                if not self._in_time():
                    await self._socket.close(1008, "too many messages")
                    break
                await self._take(message)
        except (WebSocketDisconnect, RuntimeError, TimeoutError):
            pass  # it is gone
        finally:
            self._listener.close()
            tasks = [telling, *self._turns]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    # --- to the client

    async def _tell(self) -> None:
        with suppress(WebSocketDisconnect, RuntimeError, TimeoutError):
            while True:
                async for event in self._listener:
                    if self._is_mine(event):
                        await self._send({"type": _NAMES[type(event)], **fields_of(event)})
                break
            await self._socket.close(1001, "the assistant is ending")

    def _is_mine(self, event: Event) -> bool:
        """The voice is everybody's; what others type is theirs."""
        by = getattr(event, "by", VOICE)
        return by == VOICE or getattr(event, "session", "") == self._session

    async def _send(self, message: Mapping[str, Any]) -> None:
        text = json.dumps(message, default=str, ensure_ascii=False)
        async with self._sending, asyncio.timeout(_SLOW_S):
            await self._socket.send_text(text)

    # --- from the client

    def _in_time(self) -> bool:
        now = time.monotonic()
        refilled = self._left + (now - self._since) * _MESSAGES_A_SECOND
        self._left, self._since = min(2 * _MESSAGES_A_SECOND, refilled) - 1, now
        return self._left > 0

    async def _take(self, message: Mapping[str, Any]) -> None:
        try:
            if (samples := message.get("bytes")) is not None:
                self._take_speech(samples)
                return
            order = Order.model_validate_json(message.get("text") or "")
            await self._obey(order)
        except ValidationError as problem:
            await self._refuse(problem)
        except Exception as problem:  # noqa: BLE001 - told to the client; the connection stays
            await self._refuse(problem)

    async def _refuse(self, problem: Exception) -> None:
        refusal = refusal_of(problem)
        error = {"message": refusal.message, "code": refusal.code}
        await self._send({"type": "error", "error": error})

    async def _obey(self, order: Order) -> None:
        house = self._house
        match order.type:
            case "ask":
                self._begin(lambda: self._ask(order), order)
            case "say":
                await house.look(lambda: house.say(order.text))
            case "listen":
                house.listen()
            case "stop":
                await house.look(house.stop)
            case "mute" if order.what == "microphone":
                await house.look(lambda: house.mute_microphone(order.on))
            case "mute":
                await house.look(lambda: house.mute_speaker(order.on))
            case "volume":
                await house.look(lambda: house.set_volume(order.percent))
            case "levels":
                self._set_levels(order.on)
            case "speech":
                self._speech, self._size, self._speech_order = [], 0, order
            case "speech_end":
                self._end_speech()
            case "cancel":
                self._speech = None
                for task in self._turns:
                    task.cancel()

    def _set_levels(self, on: bool) -> None:
        if on == self._levels:
            return
        self._levels = on
        kinds = (
            [*self._listener.kinds, happened.Level]
            if on
            else [kind for kind in self._listener.kinds if kind is not happened.Level]
        )
        self._listener.change(*kinds)

    def _begin(self, work: Callable[[], Awaitable[None]], order: Order) -> None:
        if len(self._turns) >= _TURNS_AT_ONCE:
            raise Refusal(429, "busy", "wait for the answers that are under way")

        async def guarded() -> None:
            try:
                await work()
            except asyncio.CancelledError:
                raise
            except Exception as problem:  # noqa: BLE001 - told to the client
                with suppress(WebSocketDisconnect, RuntimeError, TimeoutError):
                    await self._refuse(problem)

        task = asyncio.create_task(guarded())
        self._turns[task] = order.session or self._session
        task.add_done_callback(lambda done: self._turns.pop(done, None))

    async def _ask(self, order: Order) -> None:
        session = order.session or self._session
        answer = await self._house.ask(order.text, session, by="http", spoken=order.spoken)
        await self._answer(answer)

    async def _answer(self, answer: Any) -> None:
        await self._send({"type": "answer", **said_of(answer).model_dump(mode="json")})
        if answer.audio is not None:
            from edgebot.server.http.audio import wav_of

            async with self._sending, asyncio.timeout(_SLOW_S):
                await self._socket.send_bytes(wav_of(answer.audio, answer.rate_hz))

    # --- speech

    def _take_speech(self, piece: bytes) -> None:
        if self._speech is None or self._speech_order is None:
            raise Refusal(400, "invalid", "send `speech` first, then samples")
        self._size += len(piece)
        longest_s = self._house.settings.stt.max_utterance_s
        if self._size > min(longest_s, 120.0) * self._speech_order.rate_hz * 2:
            self._speech = None
            raise Refusal(413, "too_large", "that is too long for one utterance")
        self._speech.append(piece)

    def _end_speech(self) -> None:
        speech, order = self._speech, self._speech_order
        self._speech = None
        if speech is None or order is None:
            raise Refusal(400, "invalid", "send `speech` first, then samples")
        content = b"".join(speech)
        self._begin(lambda: self._hear(content, order), order)

    async def _hear(self, content: bytes, order: Order) -> None:
        house = self._house
        samples = await house.look(lambda: _samples(content, order.rate_hz))
        session = order.session or self._session
        answer = await house.hear(samples, session, by="http", spoken=order.spoken)
        await self._answer(answer)


def _samples(content: bytes, rate_hz: int) -> Samples:
    from edgebot.server.http.audio import decoded

    if len(content) < 2:
        return np.zeros(0, np.int16)
    return decoded(content, f"audio/l16;rate={rate_hz}")
