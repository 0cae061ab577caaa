"""The volume, kept over restarts: what the speaker stage reads when it has no mixer of its own.

A mute with an end needs nobody to end it: the store holds when it is over, and who asks is told.
As with timers, the clock that never jumps counts until the machine is restarted.
"""

from __future__ import annotations

import threading
from datetime import timedelta
from typing import Any

from edgebot.core.errors import StoreError
from edgebot.dialogue.clock import Clock
from edgebot.dialogue.store.preferences import Preferences
from edgebot.dialogue.store.promises import left_s, stamp

START = 60


class StoredVolume:
    """A volume in the store; see ``core.dialogue.VolumeControl``."""

    def __init__(self, preferences: Preferences, clock: Clock) -> None:
        self._preferences = preferences
        self._clock = clock
        self._lock = threading.Lock()
        self._volume: int | None = None
        self._muted = False
        self._end: dict[str, Any] | None = None
        """When the mute is over, as a row of the table of promises; None: when somebody says so."""

    def volume(self) -> int:
        """Per cent."""
        with self._lock:
            self._load()
            return self._volume if self._volume is not None else START

    def set_volume(self, percent: int) -> None:
        """Set it, clamped to 0 … 100; ends a mute."""
        with self._lock:
            self._volume, self._muted, self._end = max(0, min(100, percent)), False, None
            self._save()

    def muted(self) -> bool:
        """Whether nothing is to be heard."""
        with self._lock:
            self._load()
            return self._is_muted()

    def mute(self, on: bool, for_s: float | None = None) -> None:
        """Silence, for ``for_s`` seconds or until told, or let be heard at the volume there was."""
        with self._lock:
            self._load()
            self._muted, self._end = on, None
            if on and for_s is not None:
                self._end = {
                    "state": "waiting",
                    "length_s": for_s,
                    "due_at": stamp(self._clock.utc() + timedelta(seconds=for_s)),
                    "boot_id": self._clock.boot_id,
                    "due_boot_s": self._clock.boot_s() + for_s,
                }
            self._save()

    def mute_left_s(self) -> float | None:
        """Seconds until a mute ends by itself; None when there is none, or none with an end."""
        with self._lock:
            self._load()
            return self._left_s() if self._is_muted() and self._end else None

    def _is_muted(self) -> bool:
        return self._muted and (self._end is None or self._left_s() > 0)

    def _left_s(self) -> float:
        end = self._end or {}
        # A clock that was set back must not make the silence longer than it was meant.
        return min(left_s(end, self._clock), float(end["length_s"]))

    def _load(self) -> None:
        if self._volume is not None:
            return
        try:
            kept = self._preferences.get("volume") or {}
        except StoreError:
            kept = {}  # loud enough to be heard is better than failing to speak
        self._volume = int(kept.get("percent", START))
        self._muted = bool(kept.get("muted", False))
        self._end = kept.get("mute_end")

    def _save(self) -> None:
        end = {"mute_end": self._end} if self._end else {}
        self._preferences.set("volume", {"percent": self._volume, "muted": self._muted, **end})
