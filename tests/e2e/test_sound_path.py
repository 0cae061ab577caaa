"""The whole way on a real sound server: `edgebot run` hears, answers, and outlives the server."""

from __future__ import annotations

import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import soxr

from edgebot.audio.platform_echo import platform_canceller
from edgebot.config import paths
from edgebot.core.audio import RATE_HZ, AudioFrame, Samples
from edgebot.core.cancel import Cancellation
from edgebot.runtime.wiring import Assembly
from tests.e2e.sound_server import Recording, SoundServer, missing

pytestmark = [
    pytest.mark.engines,
    pytest.mark.skipif(missing() is not None, reason=str(missing())),
]

PATIENCE_S = 60.0
NOISE = 10.0
"""Standard deviation of a quiet room's noise, in units of 16-bit samples."""

TRIES = 3
"""As often a person would call before giving up."""


class House:
    """A running daemon, and somebody who talks to it."""

    def __init__(self, folder: Path, state: Path, assembly: Assembly) -> None:
        self.server = SoundServer(folder / "sound")
        self._log = folder / "log"
        self._assembly = assembly
        self.environ = {
            **self.server.environ,
            "EDGEBOT_STATE_DIR": str(state),
            "EDGEBOT_CACHE_DIR": str(paths.cache_dir()),
            "EDGEBOT_LLM__MODEL": "smollm2-135m-instruct-q4_1",
            "EDGEBOT_AUDIO__ZEROS_ARE_A_FAULT": "false",  # between two sentences there is no noise
            "EDGEBOT_LOG_LEVEL": "INFO",
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

    def ask(self, text: str) -> str:
        """Press the button and say ``text``; what is heard of the answer."""
        with self.server.recording() as recording:
            self.daemon.send_signal(signal.SIGUSR1)
            self.server.play(self.voice(text))
            if words := self.answer(recording, 30.0):
                return words
        raise AssertionError(self.post_mortem())


@pytest.fixture(scope="module")
def house(
    tmp_path_factory: pytest.TempPathFactory, state_with_knowledge: Path, assembly: Assembly
) -> Iterator[House]:
    """A daemon that was there before its sound server."""
    folder = tmp_path_factory.mktemp("house")
    shutil.copytree(state_with_knowledge, folder / "state")
    house = House(folder, folder / "state", assembly)
    try:
        house.wait_for(lambda log: "listening for" in log and "microphone: " in log)
        assert "cannot be opened" in house.log()
        house.server.start()
        house.wait_for_devices(1)
        yield house
    finally:
        house.daemon.kill()
        house.daemon.wait()
        house.server.kill()


def test_it_wakes_and_answers_though_the_sound_server_came_late(house: House) -> None:
    assert time.strftime("%A").lower() in house.call("Okay Nabu. What day is it?")


def test_it_answers_again_after_the_sound_server_was_killed(house: House) -> None:
    before = house.log().count("speaker: works again")
    house.server.kill()
    house.wait_for(lambda log: log.count("microphone: the microphone") >= 1)
    house.server.start()
    house.wait_for_devices(before + 1)
    assert "fifty six" in house.ask("What is seven times eight?")


def test_a_text_is_spoken_at_the_rate_of_the_device(house: House) -> None:
    with house.server.recording() as recording:
        subprocess.run(
            [sys.executable, "-m", "edgebot.cli", "say", "Dinner is ready in the kitchen."],
            env=house.environ, check=True, timeout=PATIENCE_S,
        )  # fmt: skip
        spoken = recording.wait_for_speech(PATIENCE_S, quiet_s=0.5)
    assert spoken is not None
    assert "ready in the kitchen" in house.understood(spoken)


def test_the_canceller_of_the_sound_server_is_found(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("XDG_RUNTIME_DIR", "HOME"):
        monkeypatch.setenv(name, house.server.environ[name])
    assert platform_canceller() is None
    house.server.load(
        "module-echo-cancel", "source_name=echo-cancel-source", "sink_name=echo-cancel-sink"
    )
    assert platform_canceller() == ("echo-cancel-source", "echo-cancel-sink")


def test_it_ends_in_good_order(house: House) -> None:
    house.daemon.send_signal(signal.SIGTERM)
    assert house.daemon.wait(PATIENCE_S) == 0, house.log()
    assert "terminate called" not in house.log()
