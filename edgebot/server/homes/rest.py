"""A Home Assistant over its REST API: https://developers.home-assistant.io/docs/api/rest."""

from __future__ import annotations

import http.client
import json
import ssl
import threading
from collections import OrderedDict
from collections.abc import Sequence
from typing import Any
from urllib.parse import quote, urlsplit

from edgebot.config.sections.home import HomeSettings
from edgebot.core.errors import ConfigError, HomeError
from edgebot.core.home import Action, Device, DeviceState
from edgebot.server.secrets import read_secret

_PATIENCE_S = 4.0
"""A skill has five seconds."""

_LONGEST = 8 * 1024 * 1024
_MOST_DEVICES = 2000
_CONVERSATIONS = 64

KINDS = ("light", "switch", "fan", "cover", "climate", "media_player", "input_boolean", "scene")
"""Domains that may be switched by voice. Locks and alarms are not among them."""

_NAMES = (
    "{% set ns = namespace(found=[]) %}{% for s in states if s.domain in KINDS %}"
    "{% set ns.found = ns.found + [{'id': s.entity_id, 'name': s.name,"
    " 'area': area_name(s.entity_id) or ''}] %}{% endfor %}{{ ns.found | to_json }}"
).replace("KINDS", repr(list(KINDS)))


class HomeAssistant:
    """Devices, their states and the conversation of one Home Assistant. Safe from any thread."""

    name = "home assistant"

    def __init__(self, wanted: HomeSettings) -> None:
        """Raises ``ConfigError`` when address, token or certificate cannot be used."""
        address = urlsplit(wanted.url or "")
        if wanted.token_file is None:
            raise ConfigError("home.url needs home.token_file: a file with an access token")
        self._token = read_secret(wanted.token_file, "home.token_file")
        try:
            self._host, self._port = address.hostname or "", address.port
        except ValueError:
            raise ConfigError(f"home.url: {wanted.url} has no valid port") from None
        self._base = address.path.rstrip("/")
        self._words = wanted.through == "conversation"
        self._tls: ssl.SSLContext | None = None
        if address.scheme == "https":
            try:
                self._tls = ssl.create_default_context(cafile=wanted.ca_file)
            except (OSError, ssl.SSLError) as problem:
                raise ConfigError(f"home.ca_file: {wanted.ca_file}: {problem}") from None
        self._devices: tuple[Device, ...] = ()
        self._talks: OrderedDict[str, str] = OrderedDict()
        self._lock = threading.Lock()

    def learn(self) -> int:
        """Ask for the names of all devices and areas; how many there are."""
        try:
            rows = json.loads(self._call("POST", "/api/template", {"template": _NAMES}))
        except _Refused:  # only administrators may ask for templates: then without the areas
            rows = [_row(state) for state in self._json("GET", "/api/states")]
        except (ValueError, RecursionError):
            raise HomeError("home assistant answers with something else than JSON") from None
        if not isinstance(rows, list):
            raise HomeError("home assistant answers with something else than a list of devices")
        found = (_device(row) for row in rows[:_MOST_DEVICES])
        self._devices = tuple(device for device in found if device is not None)
        return len(self._devices)

    def devices(self) -> Sequence[Device]:
        """As last learned."""
        return self._devices

    def do(self, action: Action, devices: Sequence[Device], value: float | None = None) -> None:
        """Call the services that carry ``action`` out."""
        calls: dict[tuple[str, str], list[str]] = {}
        for device in devices:
            calls.setdefault(_service(action, device.kind), []).append(device.id)
        for (domain, service), ids in calls.items():
            data: dict[str, Any] = {"entity_id": ids}
            if action == "brightness" and value is not None:
                data["brightness_pct"] = round(value)
            elif action == "temperature" and value is not None:
                data["temperature"] = value
            self._call("POST", f"/api/services/{domain}/{service}", data)

    def state(self, device: Device) -> DeviceState:
        """How ``device`` is now."""
        found = self._json("GET", f"/api/states/{quote(device.id, safe='')}")
        if not isinstance(found, dict):
            raise HomeError(f"home assistant does not tell how {device.id} is")
        attributes = found.get("attributes")
        attributes = attributes if isinstance(attributes, dict) else {}
        unit = str(attributes.get("unit_of_measurement", ""))
        return DeviceState(str(found.get("state", "")), unit, attributes)

    def converse(self, text: str, language: str, session: str) -> str | None:
        """Its own answer to the words, where the settings mean it to answer."""
        if not self._words:
            return None
        asked: dict[str, Any] = {"text": text, "language": language}
        with self._lock:
            if session in self._talks:
                asked["conversation_id"] = self._talks[session]
        answer = self._json("POST", "/api/conversation/process", asked)
        try:
            speech = answer["response"]["speech"]["plain"]["speech"]
        except (KeyError, TypeError):
            raise HomeError("home assistant answers without words") from None
        if isinstance(talk := answer.get("conversation_id"), str):
            with self._lock:
                self._talks[session] = talk
                self._talks.move_to_end(session)
                while len(self._talks) > _CONVERSATIONS:
                    self._talks.popitem(last=False)
        return str(speech) or None

    def _json(self, method: str, path: str, data: Any = None) -> Any:
        try:
            return json.loads(self._call(method, path, data))
        except (ValueError, RecursionError):
            raise HomeError("home assistant answers with something else than JSON") from None

    def _call(self, method: str, path: str, data: Any = None) -> bytes:
        connection = self._connection()
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        body = None if data is None else json.dumps(data)
        try:
            connection.request(method, self._base + path, body, headers)
            answer = connection.getresponse()
            content = answer.read(_LONGEST + 1)
        except (OSError, http.client.HTTPException) as problem:
            reason = str(problem) or type(problem).__name__
            raise HomeError(f"home assistant cannot be reached ({reason}); see home.url") from None
        finally:
            connection.close()
        if answer.status in (401, 403):
            raise _Refused("home assistant refuses the token; see home.token_file")
        if answer.status >= 300:
            raise HomeError(f"home assistant answers {path} with status {answer.status}")
        if len(content) > _LONGEST:
            raise HomeError(f"home assistant's answer is longer than {_LONGEST} bytes")
        return content

    def _connection(self) -> http.client.HTTPConnection:
        if self._tls is None:
            return http.client.HTTPConnection(self._host, self._port, timeout=_PATIENCE_S)
        return http.client.HTTPSConnection(
            self._host, self._port, timeout=_PATIENCE_S, context=self._tls
        )


class _Refused(HomeError):
    """The token may not do that."""


def _service(action: Action, kind: str) -> tuple[str, str]:
    if action == "brightness":
        return "light", "turn_on"
    if action == "temperature":
        return "climate", "set_temperature"
    if kind == "cover":
        return "cover", "open_cover" if action in ("on", "open") else "close_cover"
    if kind == "scene":
        return "scene", "turn_on"
    return "homeassistant", "turn_on" if action in ("on", "open") else "turn_off"


def _row(state: Any) -> dict[str, Any]:
    if not isinstance(state, dict):
        return {}
    attributes = state.get("attributes")
    name = attributes.get("friendly_name") if isinstance(attributes, dict) else None
    return {"id": state.get("entity_id"), "name": name, "area": ""}


def _device(row: Any) -> Device | None:
    if not isinstance(row, dict):
        return None
    known, name, area = row.get("id"), row.get("name"), row.get("area") or ""
    if not (isinstance(known, str) and isinstance(name, str) and isinstance(area, str) and name):
        return None
    kind = known.partition(".")[0]
    return Device(known, name, kind, area) if kind in KINDS else None
