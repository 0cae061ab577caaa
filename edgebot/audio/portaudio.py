"""PortAudio: streams by device name, and its list of devices kept up to date.

PortAudio reads the list of devices once, when it is initialised, and can only be initialised anew
while no stream is open. Whoever misses a device says so with :meth:`PortAudio.rescan`; whoever has
an idle stream gives it up for a moment when :meth:`PortAudio.wanted` says that it is waited for.
"""

from __future__ import annotations

import os
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edgebot.audio.library_noise import silence
from edgebot.core.errors import AudioError

SETTLING_S = 10.0
"""How long after a change of devices others are asked to give up their streams, in seconds."""

LATENCY_S = 0.06
"""Buffer asked of devices, in seconds: small enough to stop fast, long enough for a board."""


def load_portaudio() -> Any:
    """The ``sounddevice`` module; raises :class:`AudioError` where PortAudio is missing."""
    try:
        silence()  # before PortAudio asks every back end for its devices
        import sounddevice
    except OSError:
        raise AudioError(
            "PortAudio is not installed; run: sudo apt-get install libportaudio2"
        ) from None
    return sounddevice


def devices_seen() -> tuple[str, ...]:
    """What changes when a card is plugged in or a sound server starts: device nodes, sockets."""
    runtime = Path(os.environ.get("XDG_RUNTIME_DIR") or f"/run/user/{os.getuid()}")
    seen = []
    for path in (Path("/dev/snd"), runtime / "pulse" / "native", runtime / "pipewire-0"):
        try:
            status = path.stat()
            inside = sorted(node.name for node in path.iterdir()) if path.is_dir() else []
        except OSError:
            continue
        seen.append(f"{path} {status.st_ino} {status.st_ctime_ns} {' '.join(inside)}")
    return tuple(seen)


class PortAudio:
    """The one door to PortAudio of a process that uses both microphone and loudspeaker."""

    def __init__(
        self,
        module: Any = None,
        *,
        clock: Callable[[], float] = time.monotonic,
        seen: Callable[[], tuple[str, ...]] = devices_seen,
    ) -> None:
        self._module = module
        self._clock = clock
        self._look = seen
        self._lock = threading.Lock()
        self._open = 0
        self._seen: tuple[str, ...] | None = None
        self._changed_at = float("-inf")
        self._wanted = False

    def open_input(self, device: str | None) -> Any:
        """A started blocking stream, 16-bit mono at the device's own rate."""
        return self._start("input", "microphone", device)

    def open_output(self, device: str | None) -> Any:
        """The same for a loudspeaker."""
        return self._start("output", "speaker", device)

    def _start(self, kind: str, name: str, device: str | None) -> Any:
        try:
            return self._try(kind, name, device)
        except AudioError:
            if not self.rescan():
                raise
            return self._try(kind, name, device)

    def _try(self, kind: str, name: str, device: str | None) -> Any:
        with self._lock:
            portaudio = self._module = self._module or load_portaudio()
            if self._seen is None:
                self._seen = self._look()
            opener = portaudio.RawInputStream if kind == "input" else portaudio.RawOutputStream
            try:
                found = portaudio.query_devices(device, kind)
                stream = opener(
                    samplerate=int(found["default_samplerate"]),
                    channels=1,
                    dtype="int16",
                    device=device,
                    latency=LATENCY_S,
                )
                stream.start()
            except (portaudio.PortAudioError, ValueError) as error:
                raise AudioError(
                    f"the {name}{f' {device!r}' if device else ''} cannot be opened "
                    f"({_one_line(error)}); run `edgebot doctor`"
                ) from None
            self._open += 1
            return stream

    def close(self, stream: Any) -> None:
        """Release a stream at once; what its buffer holds is dropped. Never raises."""
        with self._lock:
            self._open -= 1
            for release in (stream.abort, stream.close):
                try:
                    release()
                except self._module.PortAudioError:
                    continue

    def failure(self) -> type[Exception]:
        """The class of PortAudio's errors."""
        kind: type[Exception] = self._module.PortAudioError
        return kind

    def rescan(self) -> bool:
        """Read the list of devices anew; False when that has to wait for a stream to be closed."""
        with self._lock:
            if self._module is None:
                return False
            seen = self._look()
            if seen != self._seen:
                self._seen, self._changed_at = seen, self._clock()
            if self._open:
                self._wanted = self._clock() - self._changed_at < SETTLING_S
                return False
            self._wanted = False
            self._module._terminate()
            _initialise(self._module)
            return True

    def wanted(self) -> bool:
        """Whether somebody waits for all streams to be closed."""
        return self._wanted


def _initialise(module: Any) -> None:
    """As ``sounddevice._initialize``, which sends the whole process' stderr to nowhere meanwhile.

    That swallows lines of the log, those about the outage first of all.
    """
    if module._lib.Pa_Initialize() == 0:
        module._initialized += 1
    else:
        module._initialize()  # raises with PortAudio's reason


def _one_line(error: Exception) -> str:
    return " ".join(str(error).split())
