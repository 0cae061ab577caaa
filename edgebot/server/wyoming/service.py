"""The Wyoming door as a service of the rim."""

from __future__ import annotations

import asyncio
import contextlib
import logging

from edgebot.config.settings import Settings
from edgebot.core.network import is_loopback
from edgebot.server.house import House
from edgebot.server.wyoming.announce import announced
from edgebot.server.wyoming.connection import Connection
from edgebot.server.wyoming.gate import Gate
from edgebot.server.wyoming.stream import HEADER
from edgebot.server.wyoming.work import Work

_LOG = logging.getLogger(__name__)


class WyomingService:
    """Listens for peers and serves them side by side."""

    name = "wyoming"

    def __init__(self, settings: Settings) -> None:
        """Raises ``ConfigError`` when the door may not be opened like that."""
        self._wanted = settings.wyoming
        self._gate = Gate(self._wanted.host, self._wanted.allow)
        self._talks: set[asyncio.Task[None]] = set()
        self._count = 0
        self.port: int | None = None
        """The TCP port, once it listens."""

    async def serve(self, house: House, stop: asyncio.Event) -> None:
        """Serve until ``stop`` is set."""
        wanted, work = self._wanted, Work()

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            self._talks.add(task)
            try:
                await self._talk(house, work, reader, writer)
            finally:
                self._talks.discard(task)

        server = await asyncio.start_server(talk, wanted.host, wanted.port, limit=HEADER)
        self.port = server.sockets[0].getsockname()[1]
        loud = wanted.announce and not is_loopback(wanted.host)
        try:
            async with announced(wanted.name, wanted.host, self.port, loud):
                await stop.wait()
        finally:
            self.port = None
            server.close()
            for task in self._talks:
                task.cancel()
            await asyncio.gather(*self._talks, return_exceptions=True)
            await asyncio.to_thread(work.close)

    async def _talk(
        self,
        house: House,
        work: Work,
        reader: asyncio.StreamReader,
        writer: asyncio.StreamWriter,
    ) -> None:
        peer = str((writer.get_extra_info("peername") or ("?",))[0])
        try:
            if not self._gate.lets_in(peer):
                _LOG.warning("%s may not connect; see wyoming.allow", peer)
                return
            if len(self._talks) > self._wanted.connections:
                _LOG.warning("%s has to wait: %d connections are open", peer, len(self._talks) - 1)
                return
            self._count += 1
            session = f"wyoming-{self._count}"
            await Connection(house, work, reader, writer, session).serve()
        finally:
            writer.close()
            with contextlib.suppress(ConnectionError, TimeoutError):
                await asyncio.wait_for(writer.wait_closed(), 1.0)
