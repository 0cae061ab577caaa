"""Devices announced by MQTT: what is read out of the announcements, good and bad."""

from __future__ import annotations

import asyncio
import json
import threading

import pytest

from edgebot.core.errors import HomeError
from edgebot.server.mqtt.announced import announced
from edgebot.server.mqtt.discovery import announcements
from edgebot.server.mqtt.home import MqttHome
from edgebot.server.mqtt.topics import Topics

LAMP = {
    "name": "Floor Lamp",
    "command_topic": "lamp/set",
    "state_topic": "lamp/state",
    "brightness_command_topic": "lamp/bright",
    "brightness_scale": 100,
    "device": {"name": "Lamp", "suggested_area": "Living Room"},
}


class Broker:
    """An event loop on a thread, on which a home lives; notes what is published."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self.sent: list[tuple[str, str]] = []
        self._thread = threading.Thread(target=self.loop.run_forever)
        self._thread.start()
        self.home = asyncio.run_coroutine_threadsafe(self._make(), self.loop).result()

    async def _make(self) -> MqttHome:
        return MqttHome("homeassistant", "me", self._publish)

    async def _publish(self, topic: str, payload: str) -> None:
        self.sent.append((topic, payload))

    def close(self) -> None:
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()


@pytest.fixture
def broker():  # type: ignore[no-untyped-def]
    one = Broker()
    yield one
    one.close()


def tell(broker: Broker, topic: str, config: object) -> set[str]:
    payload = config if isinstance(config, bytes) else json.dumps(config).encode()
    return broker.home.take_announcement(f"homeassistant/{topic}/config", payload)


def test_a_light_is_learned_switched_and_asked(broker: Broker) -> None:
    assert tell(broker, "light/lamp", LAMP) == {"lamp/state"}
    (lamp,) = broker.home.devices()
    assert (lamp.name, lamp.kind, lamp.area) == ("Floor Lamp", "light", "Living Room")
    broker.home.do("on", [lamp])
    broker.home.do("off", [lamp])
    broker.home.do("brightness", [lamp], 40.0)
    assert broker.sent == [("lamp/set", "ON"), ("lamp/set", "OFF"), ("lamp/bright", "40")]
    assert broker.home.state(lamp).state == ""
    broker.home.take_state("lamp/state", b"ON")
    assert broker.home.state(lamp).state == "on"
    broker.home.take_state("somewhere/else", b"OFF")
    assert broker.home.state(lamp).state == "on"


def test_abbreviations_base_topics_and_json(broker: Broker) -> None:
    short = {
        "~": "home/strip",
        "name": None,
        "cmd_t": "~/set",
        "stat_t": "~",
        "schema": "json",
        "dev": {"name": "Strip", "sa": "Office"},
    }
    assert tell(broker, "light/node/strip", short) == {"home/strip"}
    (strip,) = broker.home.devices()
    assert (strip.name, strip.area) == ("Strip", "Office")
    broker.home.do("on", [strip])
    broker.home.do("brightness", [strip], 100.0)
    assert [(topic, json.loads(payload)) for topic, payload in broker.sent] == [
        ("home/strip/set", {"state": "ON"}),
        ("home/strip/set", {"state": "ON", "brightness": 255}),
    ]
    broker.home.take_state("home/strip", b'{"state": "OFF", "brightness": 3}')
    assert broker.home.state(strip).state == "off"


def test_one_announcement_for_a_whole_device(broker: Broker) -> None:
    whole = {
        "dev": {"name": "Board", "ids": "b"},
        "o": {"name": "x"},
        "cmps": {
            "relay": {"p": "switch", "name": "Relay", "cmd_t": "b/relay", "pl_on": "1"},
            "shade": {"p": "cover", "name": "Shade", "cmd_t": "b/shade"},
            "heat": {"p": "sensor", "name": "Heat", "stat_t": "b/heat"},
            "odd": 7,
        },
    }
    tell(broker, "device/b", whole)
    relay, shade = sorted(broker.home.devices(), key=lambda one: one.name)
    broker.home.do("on", [relay, shade])
    broker.home.do("close", [shade])
    assert broker.sent == [("b/relay", "1"), ("b/shade", "OPEN"), ("b/shade", "CLOSE")]
    tell(broker, "device/b", b"")
    assert not broker.home.devices()


def test_what_is_taken_back_is_gone(broker: Broker) -> None:
    tell(broker, "light/lamp", LAMP)
    tell(broker, "light/lamp", b"")
    assert not broker.home.devices()
    tell(broker, "light/lamp", LAMP)
    tell(broker, "light/lamp", {"name": "without a topic"})
    assert not broker.home.devices()


@pytest.mark.parametrize(
    "config",
    [
        b"",
        b"no json",
        b"\xff\xfe\x00",
        b"[1, 2]",
        b"[" * 50_000,
        b'{"a": "' + b"x" * 100_000 + b'"}',
        {"name": 5, "command_topic": "a"},
        {"name": "x", "command_topic": 5},
        {"name": "x", "command_topic": "a/#"},
        {"name": "x", "command_topic": "$SYS/broker"},
        {"name": "x", "command_topic": ""},
        {"name": "x", "command_topic": "a", "device": {"suggested_area": 5}},
    ],
)
def test_malformed_announcements_announce_nothing(broker: Broker, config: object) -> None:
    for topic in ("light/lamp", "device/lamp", "light/node/lamp", "lock/door"):
        assert tell(broker, topic, config) == set()
    assert not broker.home.devices()


@pytest.mark.parametrize(
    "config",
    [
        {**LAMP, "device": "a word", "brightness_scale": "many", "state_topic": 5},
        {**LAMP, "device": [1], "brightness_scale": 0, "brightness_command_topic": None},
        {**LAMP, "value_template": "{{ value_json.x }}"},
    ],
)
def test_what_is_odd_but_can_be_switched_is_switched(broker: Broker, config: object) -> None:
    assert len(tell(broker, "light/lamp", config)) <= 1
    (lamp,) = broker.home.devices()
    broker.home.do("on", [lamp])
    assert broker.sent == [("lamp/set", "ON")]


def test_locks_are_not_opened_by_voice() -> None:
    payload = json.dumps({"name": "Door", "command_topic": "door/set"}).encode()
    assert list(announced("homeassistant/lock/door/config", payload, "homeassistant")) == []


def test_topics_that_are_no_announcements(broker: Broker) -> None:
    payload = json.dumps(LAMP).encode()
    for topic in ("other/light/a/config", "homeassistant/light/a/state", "homeassistant/config"):
        assert broker.home.take_announcement(topic, payload) == set()
    assert tell(broker, "light/me/lamp", LAMP) == set(), "our own entities are no devices"
    assert not broker.home.devices()


def test_only_so_many_devices_are_kept(broker: Broker) -> None:
    for number in range(1100):
        tell(broker, f"light/lamp{number}", LAMP)
    assert len(broker.home.devices()) == 1000


def test_what_cannot_be_done_is_said(broker: Broker) -> None:
    tell(broker, "switch/kettle", {"name": "Kettle", "command_topic": "kettle/set"})
    (kettle,) = broker.home.devices()
    with pytest.raises(HomeError, match="brightness"):
        broker.home.do("brightness", [kettle], 50.0)
    with pytest.raises(HomeError):
        broker.home.do("on", [])


def test_our_own_announcements_are_what_home_assistant_documents() -> None:
    topics = Topics("kitchen", "homeassistant")
    found = announcements(topics, "Kitchen board")
    assert len(found) == len({config["unique_id"] for config in found.values()}) == 10
    for topic, config in found.items():
        _, component, node, what, end = topic.split("/")
        assert (node, end) == ("kitchen", "config")
        assert config["device"]["identifiers"] == ["edgebot_kitchen"]
        assert config["availability_topic"] == "edgebot/kitchen/availability"
        takes = component in ("number", "switch", "text", "button")
        assert ("command_topic" in config) == takes, what
        assert ("state_topic" in config) == (component != "button"), what
