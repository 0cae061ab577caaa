"""The hub of other rooms: connects to their satellites and answers each in a conversation of its
own, as Home Assistant would."""

from __future__ import annotations

import asyncio
import contextlib
import logging

from wyoming.error import Error
from wyoming.event import Event, async_write_event
from wyoming.info import Describe
from wyoming.ping import Ping, Pong
from wyoming.satellite import RunSatellite

from edgebot.config.sections.wyoming import RoomSatellite
from edgebot.config.settings import Settings
from edgebot.core.errors import EdgebotError
from edgebot.server.house import House
from edgebot.server.wyoming.room import Room
from edgebot.server.wyoming.stream import HEADER, read_event
from edgebot.server.wyoming.work import Work

_LOG = logging.getLogger(__name__)

_FIRST_PAUSE_S = 1.0
_LONGEST_PAUSE_S = 60.0
_CONNECT_S = 10.0
_PING_S = 20.0
_SLOW_S = 30.0

_SILENT_S = 90.0
"""A satellite from which nothing at all has come for so long is called anew."""


class HubService:
    """Keeps a connection to every satellite of the settings."""

    name = "wyoming hub"

    def __init__(self, settings: Settings) -> None:
        self._satellites = settings.wyoming.satellites
        self.connected: set[str] = set()
        """Rooms that are connected now."""

    async def serve(self, house: House, stop: asyncio.Event) -> None:
        """Serve until ``stop`` is set."""
        work = Work()
        link = (await house.look(house.assembly.household)).home
        for one in self._satellites:
            link.place(f"room-{one.room}", one.area)
        tasks = [asyncio.create_task(self._keep(house, work, one)) for one in self._satellites]
        try:
            await stop.wait()
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.to_thread(work.close)

    async def _keep(self, house: House, work: Work, satellite: RoomSatellite) -> None:
        """Connect; call again when the connection is lost, after a pause that grows."""
        pause_s = _FIRST_PAUSE_S
        while True:
            try:
                await self._call(house, work, satellite)
                reason: object = "it closed the connection"
            except (OSError, TimeoutError, EdgebotError) as problem:
                reason = problem or type(problem).__name__
            if satellite.room in self.connected:
                pause_s = _FIRST_PAUSE_S
                self.connected.discard(satellite.room)
            _LOG.warning(
                "satellite %s (%s:%d): %s; again in %.0f s",
                satellite.room,
                satellite.host,
                satellite.port,
                reason,
                pause_s,
            )
            await asyncio.sleep(pause_s)
            pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    async def _call(self, house: House, work: Work, satellite: RoomSatellite) -> None:
        opening = asyncio.open_connection(satellite.host, satellite.port, limit=HEADER)
        reader, writer = await asyncio.wait_for(opening, _CONNECT_S)
        line = _Line(writer)
        session = f"room-{satellite.room}"
        room = Room(house, work, line.send, session)
        pinging: asyncio.Task[None] | None = None
        try:
            await line.send(Describe().event())
            await line.send(RunSatellite().event())
            self.connected.add(satellite.room)
            pinging = asyncio.create_task(line.keep_pinging())
            while (event := await read_event(reader, _SILENT_S)) is not None:
                await _take(room, line, event)
        finally:
            if pinging is not None:
                pinging.cancel()
                await asyncio.gather(pinging, return_exceptions=True)
            await room.close()
            writer.close()
            with contextlib.suppress(OSError, TimeoutError):
                await asyncio.wait_for(writer.wait_closed(), 1.0)


class _Line:
    """The way to a satellite: events go out whole, one after the other."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self._writing = asyncio.Lock()

    async def send(self, event: Event) -> None:
        async with self._writing:
            await asyncio.wait_for(async_write_event(event, self._writer), _SLOW_S)

    async def keep_pinging(self) -> None:
        with contextlib.suppress(OSError, TimeoutError):  # the reader notices, too
            while True:
                await asyncio.sleep(_PING_S)
                await self.send(Ping().event())


async def _take(room: Room, line: _Line, event: Event) -> None:
    """What a satellite says; a mistake of its own ends nothing."""
    try:
        if event.type == "run-pipeline":
            await room.run(event)
        elif event.type == "audio-chunk":
            await room.chunk(event)
        elif event.type == "audio-stop":
            await room.stop()
        elif event.type == "ping":
            await line.send(Pong().event())
    except EdgebotError as problem:
        await line.send(Error(str(problem), "failed").event())
