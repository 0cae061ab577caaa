"""How the assistant announces itself: https://www.home-assistant.io/integrations/mqtt/#mqtt-discovery."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edgebot import __version__
from edgebot.server.mqtt.topics import Topics

_STATES = ["asleep", "listening", "thinking", "speaking"]

_ENTITIES: Mapping[str, tuple[str, str, Mapping[str, Any]]] = {
    "state": (
        "sensor",
        "State",
        {"icon": "mdi:account-voice", "device_class": "enum", "options": _STATES},
    ),
    "last_turn": ("sensor", "Last turn", {"icon": "mdi:comment-question", "attributes": True}),
    "timers": (
        "sensor",
        "Timers",
        {"icon": "mdi:timer-outline", "attributes": True, "state_class": "measurement"},
    ),
    "volume": (
        "number",
        "Volume",
        {
            "icon": "mdi:volume-high",
            "command": True,
            "min": 0,
            "max": 100,
            "step": 1,
            "unit_of_measurement": "%",
        },
    ),
    "microphone": ("switch", "Mute microphone", {"icon": "mdi:microphone-off", "command": True}),
    "speaker": ("switch", "Mute speaker", {"icon": "mdi:volume-off", "command": True}),
    "say": ("text", "Say", {"icon": "mdi:bullhorn", "command": True, "max": 255}),
    "ask": ("text", "Ask", {"icon": "mdi:chat-question", "command": True, "max": 255}),
    "listen": ("button", "Listen", {"icon": "mdi:microphone", "command": True}),
    "stop": ("button", "Stop", {"icon": "mdi:stop", "command": True}),
}
"""What → component, name, and what is special about it."""

COMMANDS = tuple(what for what, (_, _, extra) in _ENTITIES.items() if extra.get("command"))
"""What takes orders."""


def announcements(topics: Topics, name: str) -> dict[str, dict[str, Any]]:
    """Topic → configuration of every entity."""
    found: dict[str, dict[str, Any]] = {}
    for what, (component, label, extra) in _ENTITIES.items():
        config: dict[str, Any] = {
            "name": label,
            "unique_id": f"edgebot_{topics.node}_{what}",
            "object_id": f"{topics.node}_{what}",
            "availability_topic": topics.availability,
            "device": {
                "identifiers": [f"edgebot_{topics.node}"],
                "name": name,
                "manufacturer": "edgebot",
                "model": "voice assistant",
                "sw_version": __version__,
            },
            "origin": {"name": "edgebot", "sw_version": __version__},
        }
        if component != "button":
            config["state_topic"] = topics.state(what)
        for key, value in extra.items():
            if key == "attributes":
                config["json_attributes_topic"] = topics.state(f"{what}/attributes")
            elif key == "command":
                config["command_topic"] = topics.command(what)
            else:
                config[key] = value
        found[topics.discovery(component, what)] = config
    return found
