"""What the light shows, on pins that gpiozero simulates."""

from __future__ import annotations

import threading

import pytest

from edgebot.panel.gpio import Colour
from edgebot.panel.patterns import COLOURS, RHYTHMS
from edgebot.runtime.live import bus as events
from edgebot.runtime.live.bus import Bus
from edgebot.runtime.live.lights import Lights, Mood

ENDED = events.TurnEnded("t", "local", "voice", "llm", None, interrupted=False, failed=True)


class Glass:
    """A light whose colours are noted."""

    def __init__(self) -> None:
        self.shown: list[Colour] = []
        self._changed = threading.Condition()

    def show(self, colour: Colour) -> None:
        with self._changed:
            self.shown.append(colour)
            self._changed.notify_all()

    def close(self) -> None:
        self.show((0, 0, 0))

    def wait_for(self, colour: Colour) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self.shown[-1:] == [colour], 20), self.shown


def test_each_state_has_its_look() -> None:
    mood = Mood()
    assert mood.at(0) == ("asleep", None)
    mood.take(events.Woken("okay nabu", 0.9), 10.0)
    mood.take(events.StateChanged("listening"), 10.0)
    assert mood.at(10.1)[0] == "heard"
    assert mood.at(10.5) == ("listening", None)
    mood.take(events.StateChanged("thinking"), 11)
    assert mood.at(11) == ("thinking", None)


def test_muted_is_seen_while_nothing_happens_and_an_outage_until_it_is_over() -> None:
    mood = Mood(muted=True)
    assert mood.at(0)[0] == "muted"
    mood.take(events.StateChanged("speaking"), 1)
    assert mood.at(1)[0] == "speaking"
    mood.take(events.Trouble("speaker", "it is gone"), 2)
    mood.take(events.Trouble("microphone", "it is gone"), 2)
    mood.take(events.Trouble("speaker", ""), 3)
    assert mood.at(3)[0] == "error"
    mood.take(events.Trouble("microphone", ""), 4)
    mood.take(events.StateChanged("asleep"), 4)
    mood.take(events.Muted(microphone=False, speaker=False, volume=50), 4)
    assert mood.at(4)[0] == "asleep"


def test_a_failed_turn_is_seen_for_a_moment() -> None:
    mood = Mood()
    mood.take(ENDED, 5.0)
    name, left_s = mood.at(5.0)
    assert name == "error"
    assert left_s is not None
    assert mood.at(5.0 + left_s)[0] == "asleep"


def test_there_is_a_pattern_for_everything() -> None:
    names = {"asleep", "heard", "listening", "thinking", "speaking", "muted", "error"}
    assert set(COLOURS) == set(RHYTHMS) == names


def test_it_follows_the_bus_and_goes_dark_at_the_end() -> None:
    bus, glass = Bus(), Glass()
    lights = Lights(bus, glass, COLOURS)
    lights.start()
    bus.publish(events.StateChanged("listening"))
    glass.wait_for(COLOURS["listening"].colour)
    bus.publish(events.StateChanged("speaking"))
    glass.wait_for(COLOURS["speaking"].colour)
    lights.close()
    assert glass.shown[-1] == (0, 0, 0)
    assert len(bus) == 0


def test_thinking_blinks() -> None:
    bus, glass = Bus(), Glass()
    lights = Lights(bus, glass, RHYTHMS)
    lights.start()
    bus.publish(events.StateChanged("thinking"))
    for colour in ((1, 1, 1), (0, 0, 0), (1, 1, 1)):
        glass.wait_for(colour)
    lights.close()


def test_on_pins() -> None:
    pytest.importorskip("gpiozero")
    from gpiozero.pins.mock import MockFactory, MockPWMPin

    from edgebot.panel.gpio import Light

    factory = MockFactory(pin_class=MockPWMPin)
    bus = Bus()
    lights = Lights(bus, Light((25,), factory=factory), RHYTHMS, muted=False)
    lights.start()
    bus.publish(events.StateChanged("listening"))
    ended = threading.Event()
    for _ in range(2000):
        if factory.pin(25).state == 1:
            break
        ended.wait(0.01)
    assert factory.pin(25).state == 1
    lights.close()
    factory.reset()
