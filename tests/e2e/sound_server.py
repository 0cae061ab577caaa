"""A PulseAudio of the tests' own: a virtual loudspeaker and a virtual microphone."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import time
from pathlib import Path
from types import TracebackType

import numpy as np

from edgebot.core.audio import RATE_HZ, Samples

PROGRAMS = ("pulseaudio", "pactl", "parec", "pacat")
ALSA_PLUGIN = "alsa-lib/libasound_module_pcm_pulse.so"

_SCRIPT = """\
load-module module-native-protocol-unix auth-anonymous=1
load-module module-null-sink sink_name=loudspeaker rate=48000 channels=1
load-module module-null-sink sink_name=voice rate=48000 channels=1
load-module module-remap-source source_name=microphone master=voice.monitor
set-default-sink loudspeaker
set-default-source microphone
"""
_ALSA = "pcm.!default { type pulse }\nctl.!default { type pulse }\n"
_FORMAT = ["--raw", "--format=s16le", f"--rate={RATE_HZ}", "--channels=1"]
_PATIENCE_S = 10.0
_BLOCK = RATE_HZ // 100


def missing() -> str | None:
    """What this machine lacks for it; None when all is there."""
    for name in PROGRAMS:
        if shutil.which(name) is None:
            return f"{name} is not installed (make setup-dev installs it)"
    return no_alsa_plugin()


def no_alsa_plugin() -> str | None:
    """Whether ALSA's way to the server is missing; None when it is there."""
    if not any(Path("/usr/lib").glob(f"*/{ALSA_PLUGIN}")):
        return "ALSA's plug-in for PulseAudio is missing (apt-get install libasound2-plugins)"
    return None


class SoundServer:
    """Runs from :meth:`start` to :meth:`kill`, again and again, in a folder of its own.

    ``environ`` makes a process use it: through ALSA, as on a board.
    """

    def __init__(self, folder: Path) -> None:
        folder.mkdir(mode=0o700)
        self.folder = folder
        self._process: subprocess.Popen[bytes] | None = None
        self.environ = {**os.environ, "XDG_RUNTIME_DIR": str(folder), "HOME": str(folder)}
        for name in ("PULSE_SERVER", "PULSE_SOURCE", "PULSE_SINK"):
            self.environ.pop(name, None)
        (folder / ".asoundrc").write_text(_ALSA)
        (folder / "start.pa").write_text(_SCRIPT)

    def start(self) -> None:
        """Start it and wait until its devices are there."""
        command = ["pulseaudio", "--daemonize=no", "--exit-idle-time=-1", "--use-pid-file=no", "-n"]
        command += ["-F", str(self.folder / "start.pa"), "--log-level=error"]
        with (self.folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command, env=self.environ, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                start_new_session=True,
            )  # fmt: skip
        until = time.monotonic() + _PATIENCE_S
        while "microphone" not in self._listing():
            assert time.monotonic() < until, (self.folder / "log").read_text()
            time.sleep(0.05)

    def _listing(self) -> str:
        done = subprocess.run(
            ["pactl", "list", "short", "sources"],
            env=self.environ, capture_output=True, text=True, timeout=_PATIENCE_S, check=False,
        )  # fmt: skip
        return done.stdout

    def load(self, *module: str) -> None:
        """Load one more module with its arguments, until the server ends."""
        subprocess.run(
            ["pactl", "load-module", *module], env=self.environ, timeout=_PATIENCE_S, check=True,
            stdout=subprocess.DEVNULL,
        )  # fmt: skip

    def kill(self) -> None:
        """End it without a word, as a crash would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait(_PATIENCE_S)
            self._process = None

    def play(self, samples: Samples) -> None:
        """Speak into the microphone; returns at the end of it."""
        subprocess.run(
            ["pacat", "--playback", "--device=voice", *_FORMAT],
            env=self.environ, input=samples.tobytes(), timeout=60, check=True,
        )  # fmt: skip

    def recording(self) -> Recording:
        """What the loudspeaker plays from now on."""
        return Recording(self.environ)


class Recording:
    """The loudspeaker's sound at 16 kHz, while it grows.

    Read by a thread: a full pipe would stop the recorder, and what follows would be lost.
    """

    def __init__(self, environ: dict[str, str]) -> None:
        self._process = subprocess.Popen(
            ["parec", "--device=loudspeaker.monitor", "--latency-msec=50", *_FORMAT],
            env=environ, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        self._sound = bytearray()
        self._taken = 0
        self._reader = threading.Thread(target=self._read, name="recording", daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self._process.stdout is not None
        while piece := self._process.stdout.read1(4096):
            self._sound += piece

    def __enter__(self) -> Recording:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self._process.kill()
        self._process.wait(_PATIENCE_S)
        self._reader.join(_PATIENCE_S)
        assert self._process.stdout is not None
        self._process.stdout.close()

    def samples(self) -> Samples:
        """All so far."""
        sound = bytes(self._sound)
        return np.frombuffer(sound[: len(sound) // 2 * 2], np.int16)

    def wait_for_speech(self, timeout_s: float, quiet_s: float = 1.5) -> Samples | None:
        """The first that was said since the last call or the beginning, and ``quiet_s`` after it.

        An answer may have begun before anybody waits for it. Sounds with less than 0.4 s between
        two silences of ``quiet_s``, tones that is, do not count. None when nothing came in time.
        """
        until = time.monotonic() + timeout_s
        while time.monotonic() < until:
            time.sleep(0.1)
            sound = self.samples()[self._taken :]
            blocks = sound[: len(sound) // _BLOCK * _BLOCK].reshape(-1, _BLOCK)
            loud = np.flatnonzero(np.abs(blocks.astype(np.int32)).max(axis=1, initial=0) > 300)
            quiet = round(quiet_s * RATE_HZ / _BLOCK)
            for stretch in np.split(loud, np.flatnonzero(np.diff(loud) > quiet) + 1):
                if len(stretch) >= 40 and len(blocks) - stretch[-1] > quiet:
                    begin, end = (stretch[0] - 10) * _BLOCK, (stretch[-1] + quiet) * _BLOCK
                    self._taken += int(end)
                    return sound[max(0, begin) : end]
        return None
