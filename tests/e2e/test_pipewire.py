"""The whole way on PipeWire: `edgebot run` hears, answers, and outlives the server."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgebot.audio.platform_echo import platform_canceller
from edgebot.runtime.wiring import Assembly
from tests.e2e.pipewire_server import PipeWireServer, missing
from tests.e2e.sound_house import PATIENCE_S, House, moved_in

pytestmark = [
    pytest.mark.engines,
    pytest.mark.skipif(missing() is not None, reason=str(missing())),
]

DOCS = Path(__file__).resolve().parents[2] / "docs" / "audio.md"


@pytest.fixture(scope="module")
def house(
    tmp_path_factory: pytest.TempPathFactory, state_with_knowledge: Path, assembly: Assembly
) -> Iterator[House]:
    """A daemon that was there before PipeWire."""
    folder = tmp_path_factory.mktemp("house")
    with moved_in(folder, state_with_knowledge, assembly, PipeWireServer) as house:
        house.server.start()
        house.wait_for_devices(1)
        yield house


def test_it_wakes_and_answers_though_pipewire_came_late(house: House) -> None:
    assert time.strftime("%A").lower() in house.call("Okay Nabu. What day is it?")


def test_it_answers_again_after_pipewire_was_killed(house: House) -> None:
    house.lose_server()
    assert "fifty six" in house.ask("What is seven times eight?")


def test_a_key_is_held_while_one_speaks(house: House) -> None:
    assert "forty two" in house.hold("What is six … times seven?")


def test_the_canceller_of_the_documentation_is_found(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("XDG_RUNTIME_DIR", "HOME"):
        monkeypatch.setenv(name, house.server.environ[name])
    assert platform_canceller() is None
    written = re.search(r"```\n(context\.modules.*?)```", DOCS.read_text("utf-8"), re.DOTALL)
    assert written
    folder = Path(house.server.environ["XDG_CONFIG_HOME"]) / "pipewire" / "pipewire.conf.d"
    folder.mkdir(parents=True)
    (folder / "60-echo-cancel.conf").write_text(written[1])
    house.server.kill()
    house.server.start()
    until = time.monotonic() + PATIENCE_S
    while (found := platform_canceller()) is None and time.monotonic() < until:
        time.sleep(0.1)
    assert found == ("echo-cancel-source", "echo-cancel-sink")


def test_it_ends_in_good_order(house: House) -> None:
    house.daemon.send_signal(signal.SIGTERM)
    assert house.daemon.wait(PATIENCE_S) == 0, house.log()
