"""The whole way on a real sound server: `edgebot run` hears, answers, and outlives the server."""

from __future__ import annotations

import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgebot.audio.platform_echo import platform_canceller
from edgebot.runtime.wiring import Assembly
from tests.e2e.sound_house import PATIENCE_S, House, moved_in
from tests.e2e.sound_server import missing

pytestmark = [
    pytest.mark.engines,
    pytest.mark.skipif(missing() is not None, reason=str(missing())),
]


@pytest.fixture(scope="module")
def house(
    tmp_path_factory: pytest.TempPathFactory, state_with_knowledge: Path, assembly: Assembly
) -> Iterator[House]:
    """A daemon that was there before its sound server."""
    folder = tmp_path_factory.mktemp("house")
    with moved_in(folder, state_with_knowledge, assembly) as house:
        assert "cannot be opened" in house.log()
        house.server.start()
        house.wait_for_devices(1)
        yield house


def test_it_wakes_and_answers_though_the_sound_server_came_late(house: House) -> None:
    assert time.strftime("%A").lower() in house.call("Okay Nabu. What day is it?")


def test_it_answers_again_after_the_sound_server_was_killed(house: House) -> None:
    house.lose_server()
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
