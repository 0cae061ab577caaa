"""Keeps the connection to a Home Assistant: learns its names and connects its devices."""

from __future__ import annotations

import asyncio
import contextlib
import logging

from edgebot.config.settings import Settings
from edgebot.core.errors import HomeError
from edgebot.server.homes.rest import HomeAssistant
from edgebot.server.house import House

_LOG = logging.getLogger(__name__)

_AGAIN_S = 15.0
"""After a failure it is tried again this soon."""


class HomeService:
    """Learns the devices at the start and now and then."""

    name = "home"

    def __init__(self, settings: Settings) -> None:
        """Raises ``ConfigError`` when the settings cannot be used."""
        self._refresh_s = settings.home.refresh_s
        self.home = HomeAssistant(settings.home)

    async def serve(self, house: House, stop: asyncio.Event) -> None:
        """Serve until ``stop`` is set. A home once learned stays connected: what fails is told
        when somebody asks for it."""
        link = (await house.look(house.assembly.household)).home
        reached: bool | None = None
        try:
            while not stop.is_set():
                try:
                    count = await house.look(self.home.learn)
                except HomeError as problem:
                    if reached is not False:
                        _LOG.warning("%s", problem)
                    reached = False
                else:
                    if not reached:
                        _LOG.info("home assistant is connected: %d devices", count)
                    reached = True
                    link.connect(self.home, first=True)
                with contextlib.suppress(TimeoutError):
                    pause_s = self._refresh_s if reached else min(_AGAIN_S, self._refresh_s)
                    await asyncio.wait_for(stop.wait(), pause_s)
        finally:
            link.disconnect(self.home)
