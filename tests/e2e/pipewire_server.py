"""A PipeWire of the tests' own, with its session manager, as on a board of today.

Programs reach it as they do there: through ALSA and the door that speaks PulseAudio's protocol.
"""

from __future__ import annotations

import shutil
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from tests.e2e import sound_server
from tests.e2e.sound_server import SoundServer

PROGRAMS = ("dbus-daemon", "pipewire", "wireplumber", "pipewire-pulse", "pactl", "parec", "pacat")
_DEVICES = (
    ("load-module", "module-null-sink", "sink_name=loudspeaker", "rate=48000", "channels=1"),
    ("load-module", "module-null-sink", "sink_name=voice", "rate=48000", "channels=1"),
    ("load-module", "module-remap-source", "source_name=microphone", "master=voice.monitor",
     "channels=1"),
    ("set-default-sink", "loudspeaker"),
    ("set-default-source", "microphone"),
)  # fmt: skip
_PATIENCE_S = 30.0


def missing() -> str | None:
    """What this machine lacks for it; None when all is there."""
    for name in PROGRAMS:
        if shutil.which(name) is None:
            return f"{name} is not installed (make setup-dev installs it)"
    return sound_server.no_alsa_plugin()


class PipeWireServer(SoundServer):
    """As :class:`SoundServer`."""

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self._processes: list[subprocess.Popen[bytes]] = []
        self.environ |= {
            "XDG_CONFIG_HOME": str(folder / "config"),
            "XDG_STATE_HOME": str(folder / "state"),
            "DBUS_SESSION_BUS_ADDRESS": f"unix:path={folder}/bus",
        }

    def start(self) -> None:
        """Start it and wait until its devices are there."""
        bus = self.environ["DBUS_SESSION_BUS_ADDRESS"]
        self._run("dbus-daemon", "--session", "--nofork", "--nopidfile", f"--address={bus}")
        self._wait_for((self.folder / "bus").exists)
        self._run("pipewire")
        self._wait_for((self.folder / "pipewire-0").exists)
        self._run("wireplumber")
        self._run("pipewire-pulse")
        for order in _DEVICES:
            self._wait_for(lambda order=order: self._ordered(*order))  # type: ignore[misc]
        self._wait_for(lambda: "microphone" in self._listing())

    def kill(self) -> None:
        """End all of it without a word, as a crash would."""
        for process in self._processes:
            process.kill()
        for process in self._processes:
            process.wait(_PATIENCE_S)
        self._processes.clear()
        for left in ("bus", "pipewire-0", "pulse/native"):
            (self.folder / left).unlink(missing_ok=True)

    def _run(self, *command: str) -> None:
        with (self.folder / "log").open("ab") as log:
            process = subprocess.Popen(
                command, env=self.environ, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        self._processes.append(process)

    def _ordered(self, *order: str) -> bool:
        done = subprocess.run(
            ["pactl", *order], env=self.environ, capture_output=True, timeout=_PATIENCE_S,
            check=False,
        )  # fmt: skip
        return done.returncode == 0

    def _wait_for(self, there: Callable[[], bool]) -> None:
        until = time.monotonic() + _PATIENCE_S
        while not there():
            assert time.monotonic() < until, (self.folder / "log").read_text(errors="replace")
            time.sleep(0.05)
