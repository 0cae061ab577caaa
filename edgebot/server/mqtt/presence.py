"""What the assistant publishes about itself, and the orders it takes."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from edgebot.core.errors import EdgebotError, UsageError
from edgebot.runtime.live import bus as events
from edgebot.server.house import House
from edgebot.server.mqtt.topics import Topics

_LOG = logging.getLogger(__name__)

Publish = Callable[[str, str], Awaitable[None]]
"""Topic and payload, retained."""

BY = "mqtt"
_TEXT = 255


class Presence:
    """Turns events into retained states, and orders into deeds."""

    def __init__(self, house: House, topics: Topics, publish: Publish, *, words: bool) -> None:
        """``words``: what was said and answered is published, too."""
        self._house = house
        self._topics = topics
        self._publish = publish
        self._words = words
        self._said: dict[str, list[str]] = {}
        self._asking: set[asyncio.Task[None]] = set()
        self._orders: dict[str, Callable[[str], Awaitable[None]]] = {
            "volume": self._volume,
            "microphone": self._microphone,
            "speaker": self._speaker,
            "say": self._say,
            "ask": self._ask,
            "listen": self._listen,
            "stop": self._stop,
        }

    async def tell_all(self) -> None:
        """Publish everything as it is now."""
        await self._tell("state", self._house.state)
        await self._tell("say", "")
        await self._tell("ask", "")
        await self._tell_muted(await self._house.look(self._house.muted))
        await self._tell_timers()

    async def take(self, event: events.Event) -> None:
        """Publish what ``event`` changes."""
        if isinstance(event, events.StateChanged):
            await self._tell("state", event.state)
        elif isinstance(event, events.Muted):
            await self._tell_muted(event)
        elif isinstance(event, events.Changed) and event.what == "timers":
            await self._tell_timers()
        elif isinstance(event, events.FinalText | events.ReplySentence):
            if event.session == "ring":  # a timer has come due
                await self._tell_timers()
            elif self._words:
                self._said.setdefault(event.turn, []).append(event.text)
                while len(self._said) > 16:
                    self._said.pop(next(iter(self._said)))
        elif isinstance(event, events.TurnEnded):
            await self._tell_turn(event)
            await self._tell_timers()
            await self._tell_muted(await self._house.look(self._house.muted))

    async def order(self, what: str, payload: str) -> None:
        """Do what was ordered; what cannot be done is told in the log."""
        order = self._orders.get(what)
        if order is None:
            return
        try:
            await order(payload)
        except EdgebotError as problem:
            _LOG.warning("mqtt: %s: %s", what, problem)

    async def close(self) -> None:
        """Break off what is being answered."""
        for task in self._asking:
            task.cancel()
        await asyncio.gather(*self._asking, return_exceptions=True)

    # --- what is told

    async def _tell(self, what: str, payload: str) -> None:
        await self._publish(self._topics.state(what), payload)

    async def _tell_muted(self, muted: events.Muted) -> None:
        await self._tell("volume", str(muted.volume))
        await self._tell("microphone", "ON" if muted.microphone else "OFF")
        await self._tell("speaker", "ON" if muted.speaker else "OFF")

    async def _tell_timers(self) -> None:
        try:
            timers = await self._house.look(lambda: self._house.store.promises.open("timer"))
        except EdgebotError as problem:
            _LOG.warning("mqtt: %s", problem)
            return
        rows: list[dict[str, Any]] = []
        for timer in timers:
            row: dict[str, Any] = {"id": timer.id, "state": timer.state}
            row["due"] = timer.due.isoformat(timespec="seconds") if timer.due else None
            if self._words:
                row["name"] = timer.label
            rows.append(row)
        await self._tell("timers", str(len(rows)))
        await self._tell("timers/attributes", json.dumps({"timers": rows}))

    async def _tell_turn(self, event: events.TurnEnded) -> None:
        words = self._said.pop(event.turn, [])
        about: dict[str, Any] = {
            "route": event.route,
            "by": event.by,
            "interrupted": event.interrupted,
            "failed": event.failed,
            "first_audio_ms": event.ms.get("first_audio"),
        }
        if words:
            about |= {"said": words[0], "answered": " ".join(words[1:])}
        await self._tell("last_turn", event.intent or event.route)
        await self._tell("last_turn/attributes", json.dumps(about))

    # --- what is ordered

    async def _volume(self, payload: str) -> None:
        try:
            percent = float(payload)
        except ValueError:
            raise UsageError("the volume is a number from 0 to 100") from None
        if not 0 <= percent <= 100:
            raise UsageError("the volume is a number from 0 to 100")
        await self._house.look(lambda: self._house.set_volume(round(percent)))

    async def _microphone(self, payload: str) -> None:
        on = _switch(payload)
        await self._house.look(lambda: self._house.mute_microphone(on))

    async def _speaker(self, payload: str) -> None:
        on = _switch(payload)
        await self._house.look(lambda: self._house.mute_speaker(on))

    async def _say(self, payload: str) -> None:
        self._house.say(payload[:_TEXT])
        await self._tell("say", "")

    async def _ask(self, payload: str) -> None:
        """Answer on the side: the next order does not wait for it."""
        task = asyncio.create_task(self._answer(payload[:_TEXT]))
        self._asking.add(task)
        task.add_done_callback(self._asking.discard)

    async def _answer(self, text: str) -> None:
        try:
            answer = await self._house.ask(text, f"mqtt-{self._topics.node}", by=BY)
            if self._house.daemon is not None and answer.reply:
                self._house.say(answer.reply)
            await self._tell("ask", "")
        except EdgebotError as problem:
            _LOG.warning("mqtt: ask: %s", problem)

    async def _listen(self, payload: str) -> None:
        await self._house.look(self._house.listen)

    async def _stop(self, payload: str) -> None:
        await self._house.look(self._house.stop)


def _switch(payload: str) -> bool:
    if payload not in ("ON", "OFF"):
        raise UsageError("a switch takes ON or OFF")
    return payload == "ON"
