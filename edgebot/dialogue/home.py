"""Which homes are connected, what is in them, and in which room a conversation takes place."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from edgebot.core.home import Device, Home

MAX_NAMES = 1000
"""Names of devices that are listened for; more would drown what else can be said."""

_LONGEST_NAME = 60


@dataclass(frozen=True, slots=True)
class Found:
    """A device and the home it belongs to."""

    home: Home
    device: Device


class HomeLink:
    """The homes of one assistant. Safe from any thread.

    Where two homes have a device of the same name, the one connected first counts.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._homes: tuple[Home, ...] = ()
        self._rooms: dict[str, str] = {}

    def connect(self, home: Home, *, first: bool = False) -> None:
        """``home`` can be reached from now on."""
        with self._lock:
            others = tuple(one for one in self._homes if one is not home)
            self._homes = (home, *others) if first else (*others, home)

    def disconnect(self, home: Home) -> None:
        """``home`` cannot be reached any more."""
        with self._lock:
            self._homes = tuple(one for one in self._homes if one is not home)

    @property
    def homes(self) -> Sequence[Home]:
        """The homes that are connected."""
        return self._homes

    def place(self, session: str, area: str | None) -> None:
        """Conversations of ``session`` take place in ``area``; None forgets it."""
        with self._lock:
            self._rooms.pop(session, None)
            if area:
                self._rooms[session] = area

    def area_of(self, session: str) -> str:
        """The area in which ``session`` takes place; empty when nobody knows."""
        return self._rooms.get(session, "")

    def devices(self) -> list[Found]:
        """Everything there is."""
        return list(self._devices())

    def _devices(self) -> Iterator[Found]:
        taken: set[tuple[str, str]] = set()
        for home in self._homes:
            mine: set[tuple[str, str]] = set()
            for device in home.devices():
                key = (device.name.casefold(), device.area.casefold())
                if key not in taken:
                    mine.add(key)
                    yield Found(home, device)
            taken |= mine

    def words(self) -> Mapping[str, Sequence[str | Mapping[str, Any]]]:
        """Names of devices and areas as slot values: what the home has taught us to understand."""
        names: dict[str, str] = {}
        areas: dict[str, None] = {}
        for found in self._devices():
            device = found.device
            for name in (device.name, *device.aliases):
                if _sayable(name) and len(names) < MAX_NAMES:
                    names.setdefault(" ".join(name.casefold().split()), device.name)
            if _sayable(device.area):
                areas.setdefault(" ".join(device.area.casefold().split()))
        return {
            "home_device": [{"in": said, "out": name} for said, name in names.items()],
            "home_area": list(areas),
        }


def _sayable(name: str) -> bool:
    return 0 < len(name) <= _LONGEST_NAME and any(map(str.isalpha, name))
