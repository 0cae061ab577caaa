"""Microphone and loudspeaker of this machine as one :class:`~edgebot.core.audio.Sound`."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Protocol

from edgebot.audio.echo import EchoCanceller, Reference
from edgebot.audio.loudspeaker import Loudspeaker
from edgebot.audio.microphone import Microphone
from edgebot.audio.platform_echo import platform_canceller
from edgebot.audio.portaudio import PortAudio, load_portaudio
from edgebot.audio.reopening import Reopening
from edgebot.core.audio import RATE_HZ, AudioFrame, AudioSource, DeviceTrouble
from edgebot.core.errors import AudioError


class CardOptions(Protocol):
    """What the settings say about the sound card."""

    @property
    def microphone(self) -> str | None:
        """Name of the microphone; None the default."""

    @property
    def speaker(self) -> str | None:
        """Name of the loudspeaker; None the default."""

    @property
    def echo(self) -> str:
        """``auto platform software none``."""

    @property
    def zeros_are_a_fault(self) -> bool:
        """Whether a microphone that delivers zeros is opened anew."""


class SoundCard:
    """The sound card, from the settings.

    Devices that are missing or fail are opened again and again; :attr:`on_trouble` hears of it.
    Raises ``AudioError`` when PortAudio itself is missing, or when the settings ask for a platform
    canceller that is not there.
    """

    def __init__(
        self,
        options: CardOptions,
        *,
        portaudio: PortAudio | None = None,
        find_platform: Callable[[], tuple[str, str] | None] = platform_canceller,
    ) -> None:
        self._hear: Callable[[DeviceTrouble], None] = lambda _: None
        self._troubles: dict[str, DeviceTrouble] = {}
        self._lock = threading.Lock()
        self.canceller = _choose(options.echo, find_platform)
        """The software canceller; None where the platform's is used, or none."""

        door = portaudio or PortAudio(load_portaudio())
        self._reference = Reference()
        played = None if self.canceller is None else self._reference.put
        self._source = Reopening(
            lambda: Microphone(door, options.microphone),
            self._tell,
            zeros_are_a_fault=options.zeros_are_a_fault,
        )
        self.microphone: AudioSource = self._source
        if self.canceller is not None:
            self.microphone = EchoFree(self._source, self.canceller, self._reference)
        self._loudspeaker = Loudspeaker(door, options.speaker, self._tell, played=played)
        self.speaker = self._loudspeaker

    @property
    def on_trouble(self) -> Callable[[DeviceTrouble], None]:
        """Called when a device fails, and when it works again; from the device's thread.

        Hears at once, when it is set, of what does not work already.
        """
        return self._hear

    @on_trouble.setter
    def on_trouble(self, hear: Callable[[DeviceTrouble], None]) -> None:
        with self._lock:
            self._hear = hear
            for trouble in self._troubles.values():
                hear(trouble)

    def _tell(self, trouble: DeviceTrouble) -> None:
        with self._lock:
            self._troubles.pop(trouble.device, None)
            if not trouble.solved:
                self._troubles[trouble.device] = trouble
            self._hear(trouble)

    def echo_db(self) -> float | None:
        """Level of our voice left in the microphone; None without a software canceller."""
        return None if self.canceller is None else self.canceller.echo_db()

    def heartbeat(self) -> int:
        """Frames heard and attempts to open the microphone."""
        return self._source.heartbeat()

    def mute_microphone(self, on: bool) -> None:
        """Close the microphone's device and keep it closed, or open it again."""
        self._source.mute(on)

    def microphone_muted(self) -> bool:
        """Whether the microphone's device is kept closed."""
        return self._source.muted

    def close(self) -> None:
        """Release both devices."""
        self.microphone.close()
        self._loudspeaker.close()


class EchoFree:
    """A source without what the loudspeaker played."""

    rate_hz = RATE_HZ

    def __init__(self, source: AudioSource, canceller: EchoCanceller, reference: Reference) -> None:
        self._source = source
        self._canceller = canceller
        self._reference = reference

    def frames(self) -> Iterator[AudioFrame]:
        """Yield the frames of the source, cleaned."""
        for frame in self._source.frames():
            played = self._reference.take()
            yield replace(frame, samples=self._canceller.process(frame.samples, played))

    def close(self) -> None:
        """Close the source."""
        self._source.close()


def _choose(wanted: str, find: Callable[[], tuple[str, str] | None]) -> EchoCanceller | None:
    if wanted in ("auto", "platform"):
        found = find()
        if found is not None:
            # The sound server's library reads these when it connects.
            os.environ.setdefault("PULSE_SOURCE", found[0])
            os.environ.setdefault("PULSE_SINK", found[1])
            return None
        if wanted == "platform":
            raise AudioError(
                "no echo canceller of the sound server was found (`pactl list short sources`); "
                "set one up as docs/audio.md shows, or set audio.echo to software"
            )
    return EchoCanceller() if wanted in ("auto", "software") else None
