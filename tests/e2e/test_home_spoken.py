"""Names that a home has taught: spoken by the real voice, heard through the grammar, switched."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator, Sequence

import numpy as np
import pytest

from edgebot.core.audio import RATE_HZ, AudioFrame
from edgebot.core.home import Action, Device, DeviceState
from edgebot.runtime.hearing import open_stream
from edgebot.runtime.live.bus import Bus
from edgebot.runtime.live.measuring import say
from edgebot.runtime.wiring import Assembly
from edgebot.server.house import House
from edgebot.server.rim import Rim

pytestmark = pytest.mark.engines

DEVICES = (
    Device("light.fern", "Fern Lantern", "light", "Conservatory"),
    Device("light.kitchen", "Kitchen Light", "light", "Kitchen"),
)


class NotedHome:
    name = "noted"

    def __init__(self) -> None:
        self.done: list[tuple[Action, list[str]]] = []

    def devices(self) -> Sequence[Device]:
        return DEVICES

    def do(self, action: Action, devices: Sequence[Device], value: float | None = None) -> None:
        self.done.append((action, [device.id for device in devices]))

    def state(self, device: Device) -> DeviceState:
        return DeviceState("on")

    def converse(self, text: str, language: str, session: str) -> str | None:
        return None


@pytest.fixture
def home(assembly: Assembly) -> Iterator[NotedHome]:
    one = NotedHome()
    link = assembly.household().home
    link.connect(one)
    yield one
    link.disconnect(one)


def test_the_grammar_holds_the_names_of_the_home(assembly: Assembly, home: NotedHome) -> None:
    context = assembly.dialogue().context("local")
    assert "fern lantern" in assembly.understander().grammar(context)
    assembly.household().home.disconnect(home)
    context = assembly.dialogue().context("local")
    assert "fern lantern" not in assembly.understander().grammar(context)


@pytest.mark.parametrize(
    ("said", "done"),
    [
        ("turn on the fern lantern", ("on", ["light.fern"])),
        ("turn off the kitchen light", ("off", ["light.kitchen"])),
        ("turn on the lights in the conservatory", ("on", ["light.fern"])),
    ],
)
def test_a_spoken_turn_reaches_the_device(
    assembly: Assembly, home: NotedHome, said: str, done: tuple[str, list[str]]
) -> None:
    quiet = np.zeros(RATE_HZ // 2, np.int16)
    samples = np.concatenate([quiet, say(assembly.tts(), said), quiet])
    stt, understander = assembly.stt(), assembly.understander()
    stream = open_stream(stt, understander, assembly.dialogue().context("local"))
    stream.accept(AudioFrame(samples))
    heard = stream.finish()
    assert (heard.text, heard.in_grammar) == (said, True)

    with Rim(House(assembly, Bus()), []) as rim:
        loop = rim._loop
        assert loop is not None
        hearing = rim.house.hear(samples, "spoken", by="test")
        answer = asyncio.run_coroutine_threadsafe(hearing, loop).result(120)
    assert answer.report.decision.route == "command"
    assert home.done == [done]


def test_without_a_home_the_spoken_turn_says_so(assembly: Assembly) -> None:
    with Rim(House(assembly, Bus()), []) as rim:
        loop = rim._loop
        assert loop is not None
        asking = rim.house.ask("turn on the kitchen light", "typed", by="test")
        answer = asyncio.run_coroutine_threadsafe(asking, loop).result(120)
    assert "No home is connected" in answer.reply
