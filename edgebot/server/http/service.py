"""The HTTP door as a service of the rim."""

from __future__ import annotations

import asyncio

from edgebot.config.settings import Settings
from edgebot.server.house import House


class HttpService:
    """Serves the API, the events and the web page."""

    name = "http"

    def __init__(self, settings: Settings) -> None:
        self._settings = settings

    async def serve(self, house: House, stop: asyncio.Event) -> None:
        """Serve until ``stop`` is set."""
        await stop.wait()
