"""Devices that others announce by MQTT discovery, as far as they can be switched by voice."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from edgebot.core.home import Action, Device

KINDS = ("light", "switch", "fan", "cover")

_LONGEST = 64 * 1024

_SHORT = {
    "cmd_t": "command_topic",
    "stat_t": "state_topic",
    "pl_on": "payload_on",
    "pl_off": "payload_off",
    "pl_open": "payload_open",
    "pl_cls": "payload_close",
    "bri_cmd_t": "brightness_command_topic",
    "bri_scl": "brightness_scale",
    "bri": "brightness",
    "dev": "device",
    "sa": "suggested_area",
    "schema": "schema",
    "cmps": "components",
    "p": "platform",
    "uniq_id": "unique_id",
    "val_tpl": "value_template",
    "stat_val_tpl": "state_value_template",
}
"""Home Assistant's abbreviations of what is read here."""


@dataclass(frozen=True, slots=True)
class Switch:
    """A device, and how it is switched."""

    device: Device
    command_topic: str
    payloads: Mapping[Action, str]
    brightness_topic: str = ""
    brightness_scale: int = 255
    json_schema: bool = False
    state_topic: str = ""
    """Empty where its payload would take a template to read."""

    def command(self, action: Action, value: float | None) -> tuple[str, str] | None:
        """Topic and payload that carry ``action`` out; None when it cannot."""
        if action == "brightness" and value is not None and self.device.kind == "light":
            level = round(value / 100.0 * self.brightness_scale)
            if self.json_schema:
                return self.command_topic, json.dumps({"state": "ON", "brightness": level})
            return (self.brightness_topic, str(level)) if self.brightness_topic else None
        if self.device.kind == "cover":
            action = {"on": "open", "off": "close"}.get(action, action)  # type: ignore[assignment]
        payload = self.payloads.get(action)
        if payload is None:
            return None
        if self.json_schema:
            payload = json.dumps({"state": payload})
        return self.command_topic, payload


def announced(topic: str, payload: bytes, prefix: str) -> Iterator[tuple[str, Switch | None]]:
    """What a discovery message says: its key, and the device or None where it is gone or nothing
    that can be switched. Malformed messages say nothing."""
    parts = topic.removeprefix(f"{prefix}/").split("/")
    if not topic.startswith(f"{prefix}/") or parts[-1] != "config" or not 3 <= len(parts) <= 4:
        return
    kind, key = parts[0], "/".join(parts[1:-1])
    config = _config(payload)
    if kind == "device":
        components = config.get("components")
        components = components if isinstance(components, dict) else {}
        for name, one in components.items():
            inner = _spelled({**config, **one}) if isinstance(one, dict) else {}
            yield f"{key}#{name}", _switch(str(inner.get("platform", "")), key, inner)
        if not components:
            yield f"{key}#", None
    elif kind in KINDS:
        yield f"{kind}/{key}", _switch(kind, key, config)


def _config(payload: bytes) -> dict[str, Any]:
    if not payload or len(payload) > _LONGEST:
        return {}
    try:
        config = json.loads(payload)
    except (ValueError, RecursionError):
        return {}
    return _spelled(config) if isinstance(config, dict) else {}


def _spelled(config: Mapping[str, Any]) -> dict[str, Any]:
    """``config`` with long names, and with the base topic ``~`` put in."""
    made = {_SHORT.get(str(name), str(name)): value for name, value in config.items()}
    device = made.get("device")
    if isinstance(device, dict):
        made["device"] = {_SHORT.get(str(name), str(name)): one for name, one in device.items()}
    base = made.get("~")
    if isinstance(base, str):
        for name, value in made.items():
            if name.endswith("_topic") and isinstance(value, str):
                if value.startswith("~"):
                    made[name] = base + value[1:]
                elif value.endswith("~"):
                    made[name] = value[:-1] + base
    return made


def _switch(kind: str, key: str, config: Mapping[str, Any]) -> Switch | None:
    topic = config.get("command_topic")
    if kind not in KINDS or not _plain_topic(topic):
        return None
    device = config.get("device")
    device = device if isinstance(device, dict) else {}
    name = config.get("name") or device.get("name")
    area = device.get("suggested_area") or ""
    if not isinstance(name, str) or not isinstance(area, str):
        return None
    if kind == "cover":
        payloads: dict[Action, str] = {
            "open": str(config.get("payload_open", "OPEN")),
            "close": str(config.get("payload_close", "CLOSE")),
        }
    else:
        payloads = {
            "on": str(config.get("payload_on", "ON")),
            "off": str(config.get("payload_off", "OFF")),
        }
    scale = config.get("brightness_scale", 255)
    schema = kind == "light" and config.get("schema") == "json"
    bright = config.get("brightness_command_topic")
    templates = ("value_template", "state_value_template")
    told = config.get("state_topic")
    return Switch(
        Device(f"mqtt:{kind}/{key}", name, kind, area, _aliases(name, device.get("name"))),
        str(topic),
        payloads,
        str(bright) if _plain_topic(bright) else "",
        scale if isinstance(scale, int) and 0 < scale < 100_000 else 255,
        schema,
        str(told) if _plain_topic(told) and not any(t in config for t in templates) else "",
    )


def _aliases(name: str, device: object) -> tuple[str, ...]:
    """Home Assistant shows an entity with the name of its device before its own."""
    if not isinstance(device, str) or not device or name.casefold().startswith(device.casefold()):
        return ()
    return (f"{device} {name}",)


def _plain_topic(topic: object) -> bool:
    """Whether something may be published there."""
    return (
        isinstance(topic, str)
        and 0 < len(topic) < 1024
        and not any(c in topic for c in "+#\0")
        and not topic.startswith("$")
    )
