"""`edgebot run` as a process, with no sound device: signals, supervision, a restart.

The sound of it is heard in ``test_sound_path.py``; here the devices stay missing, which is a fault
that the daemon has to live with.
"""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edgebot.config import paths
from edgebot.dialogue.clock import SystemClock
from edgebot.dialogue.store.store import Store

pytestmark = pytest.mark.engines

PATIENCE_S = 60.0

FROZEN = """
import sys, time
from edgebot.dialogue.announcing import Announcer
Announcer.due = lambda self: time.sleep(3600)
from edgebot.cli.main import main
main(["run", "--no-warm-up"])
"""
"""A daemon whose ringer hangs."""


class Supervisor:
    """Starts daemons as systemd does, and hears what they report."""

    def __init__(self, folder: Path, state: Path) -> None:
        self.folder, self.state = folder, state
        self._sockets = tempfile.TemporaryDirectory()  # the path of a socket has to be short
        address = str(Path(self._sockets.name) / "notify")
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(address)
        self._socket.settimeout(PATIENCE_S)
        self._started: list[subprocess.Popen[bytes]] = []
        self.environ = {
            **os.environ,
            "NOTIFY_SOCKET": address,
            "EDGEBOT_STATE_DIR": str(state),
            "EDGEBOT_CACHE_DIR": str(paths.cache_dir()),
            "EDGEBOT_LLM__MODEL": "smollm2-135m-instruct-q4_1",
            "EDGEBOT_AUDIO__MICROPHONE": "a microphone that is not there",
            "EDGEBOT_AUDIO__SPEAKER": "a speaker that is not there",
            "EDGEBOT_AUDIO__ECHO": "none",
            "EDGEBOT_LISTENING__ANSWER_STALL_S": "5",
        }
        self.log = folder / "log"

    def start(self, *words: str) -> subprocess.Popen[bytes]:
        """Start ``edgebot run``, or python with ``words``."""
        words = words or ("-m", "edgebot.cli", "run", "--no-warm-up")
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [sys.executable, *words],
                env=self.environ, cwd=self.folder, stdin=subprocess.DEVNULL, stderr=log, stdout=log,
            )  # fmt: skip
        self._started.append(process)
        return process

    def call(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Another call of ``edgebot`` beside it."""
        return subprocess.run(
            [sys.executable, "-m", "edgebot.cli", *words],
            env=self.environ, cwd=self.folder, capture_output=True, text=True, timeout=PATIENCE_S,
            check=False,
        )  # fmt: skip

    def hear(self, line: str) -> None:
        """Wait until the daemon reports ``line``."""
        heard: list[str] = []
        while line not in heard:
            heard += self._socket.recv(4096).decode().splitlines()

    def wait_for(self, there: Callable[[], bool]) -> None:
        """Wait until ``there``."""
        end = time.monotonic() + PATIENCE_S
        while not there():
            assert time.monotonic() < end, self.log.read_text()
            time.sleep(0.05)

    def wrote(self, text: str) -> int:
        """How often the daemons wrote ``text``."""
        return self.log.read_text(errors="replace").count(text)

    def stop(self, process: subprocess.Popen[bytes]) -> None:
        """Order it to stop, and wait for its end in good order."""
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0, self.log.read_text()

    def close(self) -> None:
        """End what still runs."""
        for process in self._started:
            process.kill()
            process.wait()
        self._socket.close()
        self._sockets.cleanup()


@pytest.fixture
def supervisor(tmp_path: Path, state_with_knowledge: Path) -> Iterator[Supervisor]:
    state = tmp_path / "state"
    shutil.copytree(state_with_knowledge, state)
    one = Supervisor(tmp_path, state)
    yield one
    one.close()


def test_a_daemon_without_devices_lives_obeys_and_ends_in_good_order(
    supervisor: Supervisor,
) -> None:
    settings = supervisor.folder / "edgebot.yaml"
    daemon = supervisor.start()
    supervisor.wait_for(lambda: supervisor.wrote("loading") > 0)
    daemon.send_signal(signal.SIGUSR1)  # it does not listen yet: that must not end it
    supervisor.hear("READY=1")
    supervisor.hear("WATCHDOG=1")
    supervisor.wait_for(lambda: supervisor.wrote("outage: microphone: ") > 0)

    second = supervisor.call("run")
    assert second.returncode == 1
    assert "running already" in second.stderr
    assert str(daemon.pid) in second.stderr
    assert supervisor.call("listen").stdout == "listening\n"

    settings.write_text("listening: {ring_s: 30}\n")
    daemon.send_signal(signal.SIGHUP)
    supervisor.hear("READY=1")
    assert supervisor.wrote("loading") == 1, "what can change while it runs needs no new start"
    settings.write_text("listening: {ring_s: loud}\n")
    daemon.send_signal(signal.SIGHUP)
    supervisor.hear("READY=1")
    assert supervisor.wrote("ring_s") == 1
    settings.write_text("tts: {speed: 1.2}\n")
    daemon.send_signal(signal.SIGHUP)
    supervisor.hear("READY=1")
    assert supervisor.wrote("loading") == 2
    supervisor.hear("WATCHDOG=1")

    supervisor.stop(daemon)
    supervisor.hear("STOPPING=1")
    assert supervisor.wrote("Traceback") == 0, supervisor.log.read_text()


def test_a_daemon_that_hangs_ends_itself_and_the_next_one_keeps_what_was_promised(
    supervisor: Supervisor,
) -> None:
    store = Store(supervisor.state, SystemClock("UTC"))
    store.promises.add_timer(1, "tea")
    frozen = supervisor.start("-c", FROZEN)
    supervisor.hear("READY=1")
    assert frozen.wait(PATIENCE_S) == 75
    assert supervisor.wrote("ringer has not answered") == 2, "in the log, and as the last word"
    assert store.schedule.ringing() == []

    daemon = supervisor.start()
    supervisor.hear("READY=1")
    supervisor.wait_for(lambda: [ring.label for ring in store.schedule.ringing()] == ["tea"])
    supervisor.stop(daemon)
    assert len(store.schedule.ringing()) == 1, "nobody heard it: there is no loudspeaker"
    store.close()


def test_a_daemon_is_killed_while_it_rings_and_the_next_one_rings_again(
    supervisor: Supervisor,
) -> None:
    store = Store(supervisor.state, SystemClock("UTC"))
    store.promises.add_timer(1, "tea")
    owners = set()
    for _ in range(2):
        daemon = supervisor.start()
        supervisor.hear("READY=1")
        supervisor.wait_for(lambda: _owner(store) not in {None, *owners})
        owners.add(_owner(store))
        daemon.kill()
        daemon.wait()
    assert len(owners) == 2
    store.close()


def _owner(store: Store) -> str | None:
    rows = store.file.read(lambda db: list(db["rings"].rows))
    return rows[0]["owner"] if rows else None
