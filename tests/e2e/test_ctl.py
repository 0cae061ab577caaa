"""`edgebot ctl` against an assistant that runs as a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.unit.server_protocols.house import wait_for

Call = Callable[..., subprocess.CompletedProcess[str]]


@pytest.fixture
def environ(tmp_path: Path) -> dict[str, str]:
    runtime = tmp_path / "run"
    runtime.mkdir(mode=0o700)
    return {
        **os.environ,
        "EDGEBOT_STATE_DIR": str(tmp_path / "state"),
        "RUNTIME_DIRECTORY": str(runtime),
        "EDGEBOT_SERVER__PORT": "0",
    }


@pytest.fixture
def ctl(environ: dict[str, str], tmp_path: Path) -> Call:
    """Call ``edgebot ctl WORDS…``."""

    def call(*words: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-m", "edgebot.cli", "ctl", *words],
            env=environ, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False,
        )  # fmt: skip

    return call


@pytest.fixture
def assistant(environ: dict[str, str], tmp_path: Path) -> Iterator[subprocess.Popen[bytes]]:
    """`edgebot serve`: the assistant without a sound card."""
    log = (tmp_path / "log").open("wb")
    process = subprocess.Popen(
        [sys.executable, "-m", "edgebot.cli", "serve", "--no-warm-up"],
        env=environ, cwd=tmp_path, stdout=log, stderr=log, stdin=subprocess.DEVNULL,
    )  # fmt: skip
    try:
        wait_for(lambda: b"serving" in (tmp_path / "log").read_bytes())
        yield process
    finally:
        process.terminate()
        process.wait(60)
        log.close()


def test_without_an_assistant_every_order_says_how_to_start_one(ctl: Call) -> None:
    done = ctl("say", "hello")
    assert done.returncode == 2
    assert "edgebot run" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_running_assistant_obeys(ctl: Call, assistant: subprocess.Popen[bytes]) -> None:
    status = json.loads(ctl("status", "--json").stdout)
    assert (status["state"], status["listens"], status["timers"]) == ("asleep", False, 0)
    assert ctl("mute", "--speaker").stdout == "the loudspeaker is silent\n"
    shown = ctl("status").stdout
    assert "microphone  none" in shown
    assert "speaker     muted" in shown
    for words in (("say", "hello"), ("mute",)):
        done = ctl(*words)
        assert done.returncode == 2, "there is neither microphone nor loudspeaker"
        assert "sound card" in done.stderr
    assistant.terminate()
    assert assistant.wait(60) == 0
    assert ctl("status").returncode == 2


def test_wrong_words_name_the_right_ones(ctl: Call) -> None:
    done = ctl("dance")
    assert done.returncode == 2
    assert "No such command" in done.stderr
