"""Whether every stage still answers, and telling the service supervisor so."""

from __future__ import annotations

import os
import socket
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass


class StageHealth:
    """One stage: whether it works on something and when it last got on with it.

    Waiting for work is healthy. ``limit_s``: longest silence while at work, in seconds.
    """

    def __init__(
        self, name: str, limit_s: float, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.name = name
        self.limit_s = limit_s
        self._clock = clock
        self._lock = threading.Lock()
        self._last: float | None = None

    def begin(self) -> None:
        """Work begins."""
        self.beat()

    def beat(self) -> None:
        """Still at it."""
        with self._lock:
            self._last = self._clock()

    def end(self) -> None:
        """The work is done; the stage waits for more."""
        with self._lock:
            self._last = None

    def silent_s(self) -> float:
        """Seconds since the last sign of life while at work; 0 while it waits."""
        with self._lock:
            return 0.0 if self._last is None else self._clock() - self._last

    def stalled(self) -> bool:
        """Whether it has been silent for longer than it may."""
        return self.silent_s() > self.limit_s


@dataclass(frozen=True, slots=True)
class Stall:
    """A stage that does not answer."""

    stage: str
    silent_s: float


class Health:
    """The stages of the daemon. Safe from any thread."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._stages: dict[str, StageHealth] = {}

    def stage(self, name: str, limit_s: float) -> StageHealth:
        """Add a stage."""
        self._stages[name] = stage = StageHealth(name, limit_s, self._clock)
        return stage

    def stalls(self) -> list[Stall]:
        """The stages that do not answer, longest silent first."""
        silent = [Stall(s.name, s.silent_s()) for s in self._stages.values() if s.stalled()]
        return sorted(silent, key=lambda stall: -stall.silent_s)

    def report(self) -> dict[str, float]:
        """Seconds of silence by stage."""
        return {name: round(stage.silent_s(), 3) for name, stage in self._stages.items()}


class Progress:
    """Whether a counter moves: frames that advance, or attempts to reopen a device."""

    def __init__(
        self,
        count: Callable[[], int],
        limit_s: float,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._count = count
        self._limit_s = limit_s
        self._clock = clock
        self._last = count()
        self._moved = clock()

    def stalled(self) -> bool:
        """Whether it has stood still for longer than it may."""
        return self.silent_s() > self._limit_s

    def silent_s(self) -> float:
        """Seconds since it last moved."""
        count, now = self._count(), self._clock()
        if count != self._last:
            self._last, self._moved = count, now
        return now - self._moved


class ServiceNotifier:
    """Tells systemd how the service is, by the protocol of ``sd_notify(3)``.

    Does nothing where nobody asked (``NOTIFY_SOCKET`` is not set).
    """

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        self._address = environ.get("NOTIFY_SOCKET", "")
        if self._address.startswith("@"):
            self._address = "\0" + self._address[1:]

    def ready(self) -> None:
        """The service hears."""
        self._send("READY=1\nSTATUS=listening")

    def reloading(self) -> None:
        """The settings are being read again."""
        self._send(f"RELOADING=1\nMONOTONIC_USEC={time.monotonic_ns() // 1000}")

    def watchdog(self) -> None:
        """Everything answered."""
        self._send("WATCHDOG=1")

    def status(self, text: str) -> None:
        """One line for ``systemctl status``."""
        self._send(f"STATUS={text}")

    def stopping(self) -> None:
        """The service ends."""
        self._send("STOPPING=1")

    def _send(self, message: str) -> None:
        if not self._address:
            return
        try:
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as connection:
                connection.settimeout(1.0)
                connection.sendto(message.encode(), self._address)
        except OSError:
            pass  # nobody is there to be told
