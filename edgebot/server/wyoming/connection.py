"""One peer at the Wyoming door: its events in order, what it asked for, its end."""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable
from typing import Any

from wyoming.error import Error
from wyoming.event import Event, async_write_event
from wyoming.ping import Pong
from wyoming.tts import SynthesizeStopped

from edgebot.core.errors import Cancelled, EdgebotError, UsageError
from edgebot.server.house import Busy, House
from edgebot.server.wyoming import answering
from edgebot.server.wyoming.hearing import Hearing, Transcribing, WaitingForWord
from edgebot.server.wyoming.offer import INTENT, offer
from edgebot.server.wyoming.room import Room
from edgebot.server.wyoming.speaking import Speaking
from edgebot.server.wyoming.stream import BadStream, read_event
from edgebot.server.wyoming.work import Work

_LOG = logging.getLogger(__name__)

_IDLE_S = 600.0
"""A peer that sends nothing for so long is sent away."""

_WAITING = 8
"""Events that may wait to be worked on; then the peer has to wait."""

_SLOW_S = 30.0
"""A peer that does not take what it asked for within this time is sent away."""


class Connection:
    """Serves one peer. Events are worked on one after the other, while the next are read."""

    def __init__(
        self,
        house: House,
        work: Work,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
        session: str,
    ) -> None:
        self._house = house
        self._work = work
        self._reader = reader
        self._writer = writer
        self._session = session
        self._events: asyncio.Queue[Event] = asyncio.Queue(_WAITING)
        self._writing = asyncio.Lock()
        self._program = ""
        self._hearing: Hearing | None = None
        self._speaking: Speaking | None = None
        self._room: Room | None = None
        self._actions: dict[str, Callable[[Event], Awaitable[None]]] = {
            "describe": self._describe,
            "ping": self._ping,
            "select-program": self._select,
            "transcribe": self._transcribe,
            "detect": self._detect,
            "audio-chunk": self._chunk,
            "audio-stop": self._stop,
            "synthesize": self._synthesize,
            "synthesize-start": self._synthesize_start,
            "synthesize-chunk": self._synthesize_chunk,
            "synthesize-stop": self._synthesize_stop,
            "recognize": self._recognize,
            "transcript": self._transcript,
            "intent": self._intent,
            "run-pipeline": self._pipeline,
        }

    async def serve(self) -> None:
        """Serve until the peer goes away or talks nonsense."""
        worker = asyncio.create_task(self._keep_working())
        try:
            while (event := await read_event(self._reader, _IDLE_S)) is not None:
                waiting = asyncio.create_task(self._events.put(event))
                await asyncio.wait({waiting, worker}, return_when=asyncio.FIRST_COMPLETED)
                if worker.done():
                    waiting.cancel()
                    return
        except BadStream as nonsense:
            _LOG.info("a Wyoming peer is sent away: %s", nonsense)
            with contextlib.suppress(ConnectionError, TimeoutError):
                await self.send(Error(str(nonsense), "bad-stream").event())
        except (ConnectionError, TimeoutError):
            pass  # gone, or silent for too long
        finally:
            worker.cancel()
            await asyncio.gather(worker, return_exceptions=True)
            await self._forget()

    async def send(self, event: Event) -> None:
        """Write ``event`` whole, whoever else writes."""
        async with self._writing:
            await asyncio.wait_for(async_write_event(event, self._writer), _SLOW_S)

    async def _keep_working(self) -> None:
        try:
            while True:
                event = await self._events.get()
                if action := self._actions.get(event.type):  # others are not meant for us
                    await self._guarded(action, event)
        except (ConnectionError, TimeoutError):
            pass  # the peer takes nothing any more

    async def _guarded(self, action: Callable[[Event], Awaitable[None]], event: Event) -> None:
        """Tell the peer what went wrong; the connection goes on."""
        try:
            await action(event)
        except Cancelled:
            await self.send(Error("cancelled", "cancelled").event())
        except EdgebotError as problem:
            await self._forget()
            code = "busy" if isinstance(problem, Busy) else "failed"
            code = "bad-request" if isinstance(problem, UsageError) else code
            await self.send(Error(str(problem), code).event())

    async def _forget(self) -> None:
        """Drop what was under way."""
        hearing, self._hearing, self._speaking = self._hearing, None, None
        if hearing is not None:
            hearing.close()
        room, self._room = self._room, None
        if room is not None:
            await room.close()

    async def _hear(self, hearing: Hearing) -> None:
        await self._forget()
        self._hearing = hearing

    # --- about us

    async def _describe(self, event: Event) -> None:
        info = await self._work(lambda: offer(self._house.assembly))
        await self.send(info.event())

    async def _ping(self, event: Event) -> None:
        text = event.data.get("text")
        await self.send(Pong(text if isinstance(text, str) else None).event())

    async def _select(self, event: Event) -> None:
        self._program = str(event.data.get("name", ""))

    # --- sound in

    async def _transcribe(self, event: Event) -> None:
        model = event.data.get("name")
        session = answering.session_for(event.data, self._session)
        chosen = model if isinstance(model, str) else self._program
        await self._hear(Transcribing(self._house.assembly, self._work, chosen, session))

    async def _detect(self, event: Event) -> None:
        await self._hear(WaitingForWord(self._house.assembly, self._work, _names(event)))

    async def _chunk(self, event: Event) -> None:
        if self._room is not None:
            await self._room.chunk(event)
        elif self._hearing is not None and (answer := await self._hearing.chunk(event)):
            await self.send(answer)

    async def _stop(self, event: Event) -> None:
        if self._room is not None:
            await self._room.stop()
            return
        hearing, self._hearing = self._hearing, None
        if hearing is not None:
            try:
                answer = await hearing.stop()
            finally:
                hearing.close()
            if answer is not None:
                await self.send(answer)

    # --- sound out

    async def _synthesize(self, event: Event) -> None:
        if self._speaking is not None:
            return  # the whole text once more, for servers that cannot stream
        speaking = Speaking(self._house, self._work, self.send)
        await speaking.say(answering.text_of(event.data))
        await speaking.end()

    async def _synthesize_start(self, event: Event) -> None:
        self._speaking = Speaking(self._house, self._work, self.send)

    async def _synthesize_chunk(self, event: Event) -> None:
        text = event.data.get("text")
        if self._speaking is not None and isinstance(text, str):
            await self._speaking.piece(text)

    async def _synthesize_stop(self, event: Event) -> None:
        speaking, self._speaking = self._speaking, None
        if speaking is not None:
            await speaking.end()
            await self.send(SynthesizeStopped().event())

    # --- words

    async def _recognize(self, event: Event) -> None:
        session = answering.session_for(event.data, self._session)
        await self.send(await answering.recognize(self._house, self._work, event.data, session))

    async def _transcript(self, event: Event) -> None:
        session = answering.session_for(event.data, self._session)
        if self._program == INTENT:
            await self._recognize(event)
            return
        await self.send(await answering.handle(self._house, event.data, session))

    async def _intent(self, event: Event) -> None:
        session = answering.session_for(event.data, self._session)
        await self.send(await answering.carry_out(self._house, self._work, event.data, session))

    async def _pipeline(self, event: Event) -> None:
        if self._room is None:
            await self._forget()
            self._room = Room(self._house, self._work, self.send, self._session)
        await self._room.run(event)


def _names(event: Event) -> list[str] | None:
    names: Any = event.data.get("names")
    if names is None:
        return None
    if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
        raise UsageError("names is a list of wake words")
    return names
