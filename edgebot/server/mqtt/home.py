"""The devices announced at the broker, as a home."""

from __future__ import annotations

import asyncio
import json
import threading
from collections.abc import Awaitable, Callable, Sequence

from edgebot.core.errors import HomeError
from edgebot.core.home import Action, Device, DeviceState
from edgebot.server.mqtt.announced import Switch, announced

_MOST = 1000
_PATIENCE_S = 4.0

_STATES = {"ON": "on", "OFF": "off", "OPEN": "open", "CLOSED": "closed"}


class MqttHome:
    """What was announced, and how it is. Messages come in on the loop, calls on any thread."""

    name = "mqtt"

    def __init__(
        self, prefix: str, node: str, publish: Callable[[str, str], Awaitable[None]]
    ) -> None:
        """``node``: the assistant's own, which is no device of the home."""
        self._prefix = prefix
        self._own = node
        self._publish = publish
        self._loop = asyncio.get_running_loop()
        self._lock = threading.Lock()
        self._switches: dict[str, Switch] = {}
        self._states: dict[str, str] = {}
        """State topic → what was last published there."""

    def take_announcement(self, topic: str, payload: bytes) -> set[str]:
        """A discovery message; the state topics that are to be listened to."""
        if f"/{self._own}/" in topic:
            return set()
        wanted: set[str] = set()
        with self._lock:
            for key, switch in announced(topic, payload, self._prefix):
                if key.endswith("#"):  # a device with all its components is gone
                    for known in [one for one in self._switches if one.startswith(key)]:
                        del self._switches[known]
                elif switch is None:
                    self._switches.pop(key, None)
                elif key in self._switches or len(self._switches) < _MOST:
                    self._switches[key] = switch
                    if switch.state_topic:
                        wanted.add(switch.state_topic)
        return wanted

    def take_state(self, topic: str, payload: bytes) -> None:
        """A message on a state topic."""
        text = payload[:4096].decode(errors="replace")
        if text.startswith("{"):
            try:
                found = json.loads(text)
                text = str(found.get("state", "")) if isinstance(found, dict) else ""
            except (ValueError, RecursionError):
                text = ""
        with self._lock:
            if any(switch.state_topic == topic for switch in self._switches.values()):
                self._states[topic] = text[:64]

    def devices(self) -> Sequence[Device]:
        """What is announced now."""
        with self._lock:
            return [switch.device for switch in self._switches.values()]

    def do(self, action: Action, devices: Sequence[Device], value: float | None = None) -> None:
        """Publish the orders; waits until the broker has them."""
        ids = {device.id for device in devices}
        with self._lock:
            meant = [one for one in self._switches.values() if one.device.id in ids]
        commands = [command for one in meant if (command := one.command(action, value))]
        if not commands:
            raise HomeError(f"no device that was meant can do {action!r} by MQTT")
        for topic, payload in commands:
            sent = asyncio.run_coroutine_threadsafe(self._send(topic, payload), self._loop)
            try:
                sent.result(_PATIENCE_S)
            except TimeoutError:
                sent.cancel()
                raise HomeError("the MQTT broker takes no orders at the moment") from None

    async def _send(self, topic: str, payload: str) -> None:
        await self._publish(topic, payload)

    def state(self, device: Device) -> DeviceState:
        """As last published; empty where nobody said."""
        with self._lock:
            for switch in self._switches.values():
                if switch.device.id == device.id:
                    told = self._states.get(switch.state_topic, "")
                    on, off = switch.payloads.get("on"), switch.payloads.get("off")
                    named = {on: "on", off: "off"}.get(told, _STATES.get(told.upper(), told))
                    return DeviceState(named)
        return DeviceState("")

    def converse(self, text: str, language: str, session: str) -> str | None:
        """A broker takes no words."""
        return None
