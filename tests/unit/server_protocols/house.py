"""A house without engines: only its store is real, and a daemon that notes its orders."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from edgebot.config.loader import load_settings
from edgebot.config.settings import Settings
from edgebot.runtime.live.bus import Bus
from edgebot.runtime.live.health import Health
from edgebot.runtime.wiring import Assembly
from edgebot.server.house import House
from edgebot.server.rim import Rim, Service

PATIENCE_S = 30.0


class NotedDaemon:
    """Stands in for the daemon: notes what it was told to do."""

    def __init__(self) -> None:
        self.told: list[tuple[str, Any]] = []
        self.health = Health()
        self.microphone_muted = False
        self.outages: dict[str, int] = {"microphone": 2}

    def say(self, text: str) -> None:
        self.told.append(("say", text))

    def order(self, order: str) -> None:
        self.told.append(("order", order))

    def hush(self) -> None:
        self.told.append(("hush", None))

    def mute_microphone(self, on: bool) -> None:
        self.microphone_muted = on
        self.told.append(("mute", on))


def settings_with(state: Path, **sections: Any) -> Settings:
    """Settings of the tests' own."""
    settings = load_settings(None, {"EDGEBOT_STATE_DIR": str(state)})
    return Settings.model_validate({**settings.model_dump(), **sections})


@contextlib.contextmanager
def house_of(settings: Settings, daemon: Any = None) -> Iterator[House]:
    """A house, its store closed at the end."""
    with Assembly(settings) as assembly:
        yield House(assembly, Bus(), daemon)


@contextlib.contextmanager
def served(house: House, *services: Service) -> Iterator[Rim]:
    """The rim with ``services``."""
    with Rim(house, services) as rim:
        yield rim
    assert not rim.failures


def wait_for(there: Callable[[], Any]) -> Any:
    """Wait until ``there`` is true; its value."""
    end = time.monotonic() + PATIENCE_S
    while not (value := there()):
        assert time.monotonic() < end, "waited in vain"
        time.sleep(0.01)
    return value
