"""A daemon that runs on a sound server of the tests, and somebody who talks to it."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import soxr

from edgebot.config import paths
from edgebot.config.key_names import CODES
from edgebot.core.audio import RATE_HZ, AudioFrame, Samples
from edgebot.core.cancel import Cancellation
from edgebot.panel.input_events import event_of
from edgebot.runtime.wiring import Assembly
from tests.e2e.sound_server import Recording, SoundServer

PATIENCE_S = 60.0
NOISE = 10.0
"""Standard deviation of a quiet room's noise, in units of 16-bit samples."""

TRIES = 3
"""As often a person would call before giving up."""


class House:
    """A running daemon, and somebody who talks to it."""

    def __init__(
        self,
        folder: Path,
        state: Path,
        assembly: Assembly,
        kind: type[SoundServer] = SoundServer,
    ) -> None:
        """``kind``: of sound server, which is not started."""
        self.server = kind(folder / "sound")
        self._log = folder / "log"
        key = folder / "key"
        os.mkfifo(key)
        self._key = os.open(key, os.O_RDWR)
        self._assembly = assembly
        self.environ = {
            **self.server.environ,
            "EDGEBOT_STATE_DIR": str(state),
            "EDGEBOT_CACHE_DIR": str(paths.cache_dir()),
            "EDGEBOT_LLM__MODEL": "smollm2-135m-instruct-q4_1",
            "EDGEBOT_AUDIO__ZEROS_ARE_A_FAULT": "false",  # between two sentences there is no noise
            "EDGEBOT_LOG_LEVEL": "INFO",
            "EDGEBOT_BUTTON__KEY": "KEY_F13",
            "EDGEBOT_BUTTON__DEVICE": str(key),
            "PYTHONFAULTHANDLER": "1",
        }
        with self._log.open("wb") as log:
            self.daemon = subprocess.Popen(
                [sys.executable, "-m", "edgebot.cli", "run", "--no-warm-up"],
                env=self.environ, cwd=folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
            )  # fmt: skip

    def log(self) -> str:
        """What the daemon wrote so far."""
        return self._log.read_text(errors="replace")

    def wait_for(self, there: Callable[[str], bool]) -> None:
        """Wait until ``there`` is true of the log."""
        until = time.monotonic() + PATIENCE_S
        while not there(self.log()):
            assert self.daemon.poll() is None, self.log()
            assert time.monotonic() < until, self.post_mortem()
            time.sleep(0.05)

    def post_mortem(self) -> str:
        """End the daemon; its log, and where each of its threads was."""
        self.daemon.send_signal(signal.SIGABRT)
        self.daemon.wait(PATIENCE_S)
        return self.log()

    def wait_for_devices(self, outages: int) -> None:
        """Wait until both devices work again after so many outages."""
        for device in ("microphone", "speaker"):
            self.wait_for(lambda log, name=device: log.count(f"{name}: works again") >= outages)  # type: ignore[misc]

    def voice(self, text: str) -> Samples:
        """``text``, spoken in a quiet room."""
        voice = self._assembly.tts()
        spoken = np.concatenate(
            [frame.samples for frame in voice.synthesize(text, Cancellation())]
        ).astype(np.float32)
        spoken = 0.5 * soxr.resample(spoken, voice.rate_hz, RATE_HZ)
        spoken = np.pad(spoken, (RATE_HZ // 4, RATE_HZ))
        noise = np.random.default_rng(1).normal(0.0, NOISE, len(spoken))
        return np.asarray(np.clip(spoken + noise, -32768, 32767), np.int16)

    def understood(self, sound: Samples) -> str:
        """What our own recogniser hears in ``sound``."""
        stream = self._assembly.stt().stream()
        stream.accept(AudioFrame(sound))
        return stream.finish().text

    def answer(self, recording: Recording, timeout_s: float) -> str:
        """The next words that sound; tones are no words. Empty when nothing comes in time."""
        until = time.monotonic() + timeout_s
        while (left_s := until - time.monotonic()) > 0:
            sound = recording.wait_for_speech(left_s)
            if sound is not None and (words := self.understood(sound)):
                return words
        return ""

    def call(self, text: str) -> str:
        """Say ``text`` with its wake word until there is an answer; what is heard of it."""
        with self.server.recording() as recording:
            for _ in range(TRIES):
                self.server.play(self.voice(text))
                if words := self.answer(recording, 15.0):
                    return words
        raise AssertionError(self.post_mortem())

    def hold(self, text: str) -> str:
        """Hold the talk key while ``text`` is said; what is heard of the answer."""
        with self.server.recording() as recording:
            os.write(self._key, event_of(CODES["KEY_F13"], 1))
            self.server.play(self.voice(text))
            os.write(self._key, event_of(CODES["KEY_F13"], 0))
            if words := self.answer(recording, 30.0):
                return words
        raise AssertionError(self.post_mortem())

    def ask(self, text: str) -> str:
        """Press the button and say ``text``; what is heard of the answer."""
        with self.server.recording() as recording:
            self.daemon.send_signal(signal.SIGUSR1)
            self.server.play(self.voice(text))
            if words := self.answer(recording, 30.0):
                return words
        raise AssertionError(self.post_mortem())

    def lose_server(self) -> None:
        """The sound server dies and comes back; until the daemon has found it again."""
        before = self.log().count("speaker: works again")
        self.server.kill()
        self.wait_for(lambda log: log.count("microphone: the microphone") >= 1)
        self.server.start()
        self.wait_for_devices(before + 1)


@contextlib.contextmanager
def moved_in(
    folder: Path, state: Path, assembly: Assembly, kind: type[SoundServer] = SoundServer
) -> Iterator[House]:
    """A house in ``folder`` whose daemon, with a copy of ``state``, waits for its sound server."""
    shutil.copytree(state, folder / "state")
    house = House(folder, folder / "state", assembly, kind)
    try:
        house.wait_for(lambda log: "listening for" in log and "microphone: " in log)
        yield house
    finally:
        house.daemon.kill()
        house.daemon.wait()
        house.server.kill()
