"""Counts what happens, from the start to the end."""

from __future__ import annotations

import asyncio
import contextlib

from edgebot.server.house import House
from edgebot.server.metrics.exposition import meters_of
from edgebot.server.relay import Listener

_WAITING = 1024


class MetricsService:
    """Listens to the bus for the counters behind ``/metrics``."""

    name = "metrics"

    async def serve(self, house: House, stop: asyncio.Event) -> None:
        """Serve until ``stop`` is set."""
        meters = meters_of(house)
        listener = house.listen_to(*meters.kinds, capacity=_WAITING)
        counting = asyncio.create_task(self._count(house, listener))
        try:
            await stop.wait()
        finally:
            listener.close()
            counting.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await counting

    async def _count(self, house: House, listener: Listener) -> None:
        meters, dropped = meters_of(house), 0
        async for event in listener:
            meters.take(event)
            if listener.dropped > dropped:
                meters.dropped.inc(listener.dropped - dropped)
                dropped = listener.dropped
