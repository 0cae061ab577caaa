"""How the board is: temperature, memory, disk, uptime, version."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Protocol

import psutil

from edgebot import __version__
from edgebot.dialogue.clock import Clock
from edgebot.dialogue.skill import Intent, Outcome, Request

GB = 1_000_000_000
HOT_C = 75.0
FULL = 0.9


class Board(Protocol):
    """What a board can tell of itself."""

    def temperature_c(self) -> float | None:
        """Degrees Celsius of the processor; None when nothing measures it."""

    def memory(self) -> tuple[int, int]:
        """Available and total bytes."""

    def disk(self) -> tuple[int, int]:
        """Free and total bytes of the disk that holds our data."""

    def load(self) -> float:
        """Share of the processors in use, 0 … 1."""


class ThisBoard:
    """The machine the program runs on; ``root`` is where its file system begins."""

    def __init__(self, data: Path, root: Path = Path("/")) -> None:
        self._data = data
        self._root = root

    def temperature_c(self) -> float | None:
        """The hottest thermal zone."""
        found = []
        for file in sorted(self._root.glob("sys/class/thermal/thermal_zone*/temp")):
            try:
                found.append(int(file.read_text(encoding="ascii")) / 1000)
            except (OSError, ValueError):
                continue
        sane = [degrees for degrees in found if 0 < degrees < 150]
        return max(sane, default=None)

    def memory(self) -> tuple[int, int]:
        """Available and total bytes."""
        memory = psutil.virtual_memory()
        return int(memory.available), int(memory.total)

    def disk(self) -> tuple[int, int]:
        """Free and total bytes."""
        there = next(path for path in (self._data, *self._data.parents) if path.exists())
        disk = psutil.disk_usage(str(there))
        return int(disk.free), int(disk.total)

    def load(self) -> float:
        """Load of the last minute over the number of processors, at most 1."""
        return float(min(1.0, psutil.getloadavg()[0] / (psutil.cpu_count() or 1)))


class Device:
    """Tells how the board is."""

    name = "device"
    intents = (
        Intent("device_temperature", "Tell how hot the processor is.", tool=False),
        Intent("device_memory", "Tell how much memory is free.", tool=False),
        Intent("device_disk", "Tell how much disk space is free.", tool=False),
        Intent("device_uptime", "Tell how long the machine has been running.", tool=False),
        Intent("device_load", "Tell how busy the processor is.", tool=False),
        Intent("device_version", "Tell which version of edgebot this is.", tool=False),
        Intent("device_status", "Tell how the machine is in a sentence or two.", tool=False),
    )

    def __init__(self, board: Board, clock: Clock, fahrenheit: bool = False) -> None:
        self._board = board
        self._clock = clock
        self._fahrenheit = fahrenheit
        self._actions: dict[str, Callable[[], Outcome]] = {
            "device_temperature": self._temperature,
            "device_memory": self._memory,
            "device_disk": self._disk,
            "device_uptime": lambda: Outcome("device.uptime", {"uptime": clock.boot_s()}),
            "device_load": lambda: Outcome("device.load", {"load": round(100 * board.load())}),
            "device_version": lambda: Outcome("device.version", {"version": __version__}),
            "device_status": self._status,
        }

    def handle(self, request: Request) -> Outcome:
        """Measure and tell."""
        return self._actions[request.intent]()

    def _temperature(self) -> Outcome:
        degrees = self._board.temperature_c()
        if degrees is None:
            return Outcome("device.no_temperature")
        reply = "device.hot" if degrees >= HOT_C else "device.temperature"
        return Outcome(reply, {"temperature": self._degrees(degrees)})

    def _degrees(self, celsius: float) -> dict[str, object]:
        if self._fahrenheit:
            return {"value": round(celsius * 9 / 5 + 32), "unit": "degree_Fahrenheit"}
        return {"value": round(celsius), "unit": "degree_Celsius"}

    def _memory(self) -> Outcome:
        free, total = self._board.memory()
        return Outcome("device.memory", {"free": _size(free), "total": _size(total)})

    def _disk(self) -> Outcome:
        free, total = self._board.disk()
        reply = "device.disk_full" if free < (1 - FULL) * total else "device.disk"
        return Outcome(reply, {"free": _size(free), "total": _size(total)})

    def _status(self) -> Outcome:
        degrees = self._board.temperature_c()
        free, total = self._board.disk()
        if degrees is not None and degrees >= HOT_C:
            return Outcome("device.hot", {"temperature": self._degrees(degrees)})
        if free < (1 - FULL) * total:
            return Outcome("device.disk_full", {"free": _size(free), "total": _size(total)})
        memory = _size(self._board.memory()[0])
        args = {"uptime": self._clock.boot_s(), "memory": memory, "disk": _size(free)}
        return Outcome("device.fine", args)


def _size(size: int) -> dict[str, object]:
    if size >= 10 * GB:
        return {"value": round(size / GB), "unit": "gigabyte"}
    if size >= GB:
        return {"value": round(size / GB, 1), "unit": "gigabyte"}
    return {"value": round(size / 1_000_000), "unit": "megabyte"}
