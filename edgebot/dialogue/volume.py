"""The volume, kept over restarts: what the speaker stage reads when it has no mixer of its own."""

from __future__ import annotations

import threading

from edgebot.core.errors import StoreError
from edgebot.dialogue.store.preferences import Preferences

START = 60


class StoredVolume:
    """A volume in the store; see ``core.dialogue.VolumeControl``."""

    def __init__(self, preferences: Preferences) -> None:
        self._preferences = preferences
        self._lock = threading.Lock()
        self._volume: int | None = None
        self._muted = False

    def volume(self) -> int:
        """Per cent."""
        with self._lock:
            self._load()
            return self._volume if self._volume is not None else START

    def set_volume(self, percent: int) -> None:
        """Set it, clamped to 0 … 100; ends a mute."""
        with self._lock:
            self._volume, self._muted = max(0, min(100, percent)), False
            self._save()

    def muted(self) -> bool:
        """Whether nothing is to be heard."""
        with self._lock:
            self._load()
            return self._muted

    def mute(self, on: bool) -> None:
        """Silence, or let be heard at the volume there was."""
        with self._lock:
            self._load()
            self._muted = on
            self._save()

    def _load(self) -> None:
        if self._volume is not None:
            return
        try:
            kept = self._preferences.get("volume") or {}
        except StoreError:
            kept = {}  # loud enough to be heard is better than failing to speak
        self._volume = int(kept.get("percent", START))
        self._muted = bool(kept.get("muted", False))

    def _save(self) -> None:
        self._preferences.set("volume", {"percent": self._volume, "muted": self._muted})
