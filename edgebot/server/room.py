"""The room of an assistant as the doors see it: saying, listening, muting."""

from __future__ import annotations

import logging
from collections.abc import Callable

from edgebot.core.dialogue import VolumeControl
from edgebot.core.errors import EdgebotError, StoreError, UsageError
from edgebot.dialogue.store.store import Store
from edgebot.runtime.live.bus import Bus, Changed, Muted
from edgebot.runtime.live.daemon import Daemon
from edgebot.runtime.wiring import Assembly

_LOG = logging.getLogger(__name__)

MAX_CHARACTERS = 20_000
"""Longer texts are no questions; they are cut."""


class NoMicrophone(EdgebotError):
    """The assistant runs without microphone and loudspeaker here."""


class Room:
    """What can be done in the room; may be called from any thread, and may look into a database."""

    assembly: Assembly
    bus: Bus
    daemon: Daemon | None
    on_reload: Callable[[], None]

    @property
    def store(self) -> Store:
        """Timers, lists, memories, preferences."""
        return self.assembly.household().store

    @property
    def volume(self) -> VolumeControl:
        """The loudness of everything that is played."""
        return self.assembly.household().volume

    def say(self, text: str) -> None:
        """Speak ``text`` in the room."""
        wanted = readable(text)
        if not wanted:
            raise UsageError("there is nothing to say; send some words")
        self._room().say(wanted)

    def listen(self) -> None:
        """Open the microphone, as if the wake word had been said."""
        room = self._room()
        if self.microphone_muted():
            raise UsageError("the microphone is muted; open it first")
        room.order("listen")

    def stop(self) -> None:
        """Break off what is being said, and close the microphone."""
        self._room().hush()

    def reload(self) -> None:
        """Read the settings again; what cannot change while running is built anew."""
        if self.daemon is None:
            self.on_reload()
        else:
            self.daemon.order("reload")

    def mute_speaker(self, on: bool, for_s: float | None = None) -> None:
        """Silence the loudspeaker, or let it be heard again."""
        self.volume.mute(on, for_s)
        self._tell_muted()

    def set_volume(self, percent: int) -> None:
        """Per cent, 0 … 100."""
        self.volume.set_volume(percent)
        self._tell_muted()

    def mute_microphone(self, on: bool) -> None:
        """Close the microphone's device for good, until it is opened again; outlives restarts."""
        self._room().mute_microphone(on)
        self.store.preferences("microphone").set("muted", on)
        self._tell_muted()

    def remember_mute(self) -> None:
        """Close the microphone if it was muted when the assistant last ran."""
        try:
            muted = self.store.preferences("microphone").get("muted", False)
        except StoreError as problem:
            _LOG.warning("whether the microphone was muted is not known (%s)", problem)
            return
        if muted:
            self._room().mute_microphone(True)

    def microphone_muted(self) -> bool:
        """Whether the microphone's device is closed."""
        return self.daemon is not None and self.daemon.microphone_muted

    def muted(self) -> Muted:
        """What is muted, and the volume."""
        volume = self.volume
        return Muted(self.microphone_muted(), volume.muted(), volume.volume())

    def changed(self, what: str) -> None:
        """``timers``, ``lists``, ``knowledge`` or ``settings`` were changed by a door."""
        if what == "timers" and self.daemon is not None:
            self.daemon.ringer.nudge()
        self.bus.publish(Changed(what))  # type: ignore[arg-type]

    def _tell_muted(self) -> None:
        self.bus.publish(self.muted())

    def _room(self) -> Daemon:
        if self.daemon is None:
            raise NoMicrophone("this assistant runs without a sound card; start `edgebot run`")
        return self.daemon


def readable(text: str) -> str:
    """``text`` without control characters and lone surrogates, cut at :data:`MAX_CHARACTERS`."""
    text = text[:MAX_CHARACTERS].encode("utf-8", errors="ignore").decode("utf-8")
    return "".join(c if c.isprintable() else " " for c in text).strip()
