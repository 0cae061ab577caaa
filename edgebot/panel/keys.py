"""A key of a keyboard, a remote control, a headset or a foot switch, wherever it is plugged in."""

from __future__ import annotations

import logging
import math
import os
import select
import stat
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

from edgebot.panel.input_events import DROPPED, EVENT_BYTES, has_key, key_moves, name_of

_LOG = logging.getLogger(__name__)

DEVICES = Path("/dev/input")
DESCRIBED = Path("/sys/class/input")
LOOK_S = 2.0
"""Devices that have come are looked for this often."""

_AT_ONCE = 64 * EVENT_BYTES
_DENIED_BORNE = 2
"""Looks at which a device may refuse: udev gives it to its group a moment after it is there."""


def devices_with(
    code: int | None,
    device: str | None,
    devices: Path = DEVICES,
    described: Path = DESCRIBED,
) -> Iterator[Path]:
    """The input devices that are there and meant by ``device`` and ``code``, as for :class:`Key`.

    One that is named by its path is meant whether it is there or not.
    """
    if device is not None and device.startswith("/"):
        yield Path(device)
        return
    part = (device or "").casefold()
    for path in sorted(devices.glob("event*")):
        about = described / path.name
        if part in name_of(about).casefold() and (code is None or has_key(about, code)):
            yield path


class Key:
    """Calls ``down`` and ``up`` as the key goes down and up, on a thread of its own.

    A device that vanishes lets go of the key, and is opened again when it is back. Nothing that
    happens to devices ends the thread.
    """

    def __init__(
        self,
        code: int | None,
        down: Callable[[], None],
        up: Callable[[], None],
        device: str | None = None,
        *,
        devices: Path = DEVICES,
        described: Path = DESCRIBED,
        look_s: float = LOOK_S,
    ) -> None:
        """``code``: of the key; None for any key. ``device``: a path, or a part of a device's name;
        every device that has the key where it is absent."""
        self._code = code
        self._down = down
        self._up = up
        self._device = device
        self._devices = devices
        self._described = described
        self._look_s = look_s
        self._open: dict[Path, int] = {}
        self._held: set[Path] = set()
        self._denied: Counter[Path] = Counter()
        self._looks = 0
        self._ending = os.eventfd(0, os.EFD_CLOEXEC)
        self._thread = threading.Thread(target=self._run, name="key", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def close(self) -> None:
        """Stop watching; a key that is held is let go."""
        if self._thread.is_alive():
            os.eventfd_write(self._ending, 1)
            self._thread.join()
        os.close(self._ending)

    # --- the thread

    def _run(self) -> None:
        try:
            looked_s = -math.inf
            while True:
                left_s = looked_s + self._look_s - time.monotonic()
                if left_s <= 0:  # not after every key: a device may fail as soon as it is opened
                    self._look()
                    looked_s, left_s = time.monotonic(), self._look_s
                poll = select.poll()
                poll.register(self._ending, select.POLLIN)
                paths = {handle: path for path, handle in self._open.items()}
                for handle in paths:
                    poll.register(handle, select.POLLIN)
                for handle, _ in poll.poll(left_s * 1000):
                    if handle == self._ending:
                        return
                    self._take(paths[handle], handle)
        finally:
            for path in list(self._open):
                self._leave(path)

    def _take(self, path: Path, handle: int) -> None:
        try:
            content = os.read(handle, _AT_ONCE)
        except BlockingIOError:
            return
        except OSError as problem:
            self._lose(path, str(problem.strerror))
            return
        if not content:
            self._lose(path, "it has ended")
            return
        for code, is_down in key_moves(content):
            if code == DROPPED:
                self._set(path, False)
            elif self._code in (None, code):
                self._set(path, is_down)

    def _set(self, path: Path, down: bool) -> None:
        before = bool(self._held)
        if down:
            self._held.add(path)
        else:
            self._held.discard(path)
        if bool(self._held) != before:
            (self._down if self._held else self._up)()

    # --- devices come and go

    def _look(self) -> None:
        """Open what is there and wanted."""
        self._looks += 1
        for path in devices_with(self._code, self._device, self._devices, self._described):
            if path not in self._open:
                self._enter(path)
        if self._looks == 1 and not self._open and not self._denied:
            where = self._device or "any input device"
            _LOG.warning("the talk key is not there yet (%s); it is waited for", where)

    def _enter(self, path: Path) -> None:
        try:
            handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        except PermissionError:
            self._denied[path] += 1
            if self._denied[path] == _DENIED_BORNE:
                _LOG.warning(
                    "%s: no right to read the talk key; add edgebot's user to the group `input` "
                    "(`usermod -aG input edgebot`, or systemd/optional/talk-key.conf)", path,
                )  # fmt: skip
            return
        except OSError:  # not there (any more)
            return
        mode = os.fstat(handle).st_mode
        if not (stat.S_ISCHR(mode) or stat.S_ISFIFO(mode)):
            os.close(handle)
            self._denied[path] += 1
            if self._denied[path] == 1:
                _LOG.warning("%s is no input device; set button.device to another", path)
            return
        del self._denied[path]
        self._open[path] = handle
        _LOG.info("%s: the talk key is watched", path)

    def _lose(self, path: Path, why: str) -> None:
        _LOG.info("%s: the talk key is gone (%s); it is waited for", path, why)
        self._leave(path)

    def _leave(self, path: Path) -> None:
        os.close(self._open.pop(path))
        self._set(path, False)
