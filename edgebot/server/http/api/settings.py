"""The settings: shown with their meaning and origin, changed with validation."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from pydantic import Field

from edgebot.config.loader import load
from edgebot.config.profiles import profile_settings
from edgebot.config.settings import Settings
from edgebot.config.yaml_file import dotted
from edgebot.runtime.live.reloading import LIVE
from edgebot.server.house import House
from edgebot.server.http.operation import Call, Operation, Refusal, Wire
from edgebot.server.http.settings_file import written

_SECRETS = ("api_key", "password", "secret", "token_file", "webhooks")
"""Values of keys with these words in them are not shown."""

_REPLY_S = 0.2
"""The answer goes out before the door may close for a moment."""

MAY_CHANGE = (
    "language", "time_zone", "units", "log_level", "audio", "stt", "tts", "dialogue", "listening",
    "wake", "vad", "nlu.classifier_threshold", "knowledge.threshold", "knowledge.passages",
    "knowledge.shipped", "llm.temperature", "llm.max_reply_tokens", "llm.persona",
)  # fmt: skip
"""What may be changed over the network: nothing that opens a door, names a file, or sends words
elsewhere."""


class Setting(Wire):
    """One setting."""

    key: str
    value: Any
    origin: str
    """``default``, ``profile``, ``file``, or the name of an environment variable."""

    changeable: bool
    live: bool
    """A change takes effect without the assistant being built anew."""

    fields: dict[str, Any]
    """JSON Schema: type, range, choices, default, description."""


class SettingsShown(Wire):
    """Every setting in force."""

    settings: list[Setting]


class Changes(Wire):
    """Keys, dotted, and their new values; null goes back to the default."""

    changes: dict[str, Any] = Field(min_length=1, max_length=50)
    dry_run: bool = False
    """Only say whether they would be right."""


async def show(call: Call) -> SettingsShown:
    """All of them."""
    return await call.house.look(lambda: _shown(call.house))


async def change(call: Call) -> SettingsShown:
    """Write them into the settings file and have them read again."""
    wanted = call.json(Changes)
    for key in wanted.changes:
        if not changeable(key):
            raise Refusal(400, "invalid", f"{key[:100]}: not a setting that may be changed here")

    def work() -> SettingsShown:
        with call.house.writing:
            written(call.house.config_file, wanted.changes, dry_run=wanted.dry_run)
        return _shown(call.house)

    shown = await call.house.look(work)
    if not wanted.dry_run:
        call.house.changed("settings")
        asyncio.get_running_loop().call_later(_REPLY_S, call.house.reload)
    return shown


def changeable(key: str) -> bool:
    """Whether ``key`` may be changed over the network."""
    if key not in _facts() or any(
        part.endswith("_file") or part == "file" for part in key.split(".")
    ):
        return False
    return any(key == one or key.startswith(one + ".") for one in MAY_CHANGE)


def _shown(house: House) -> SettingsShown:
    loaded = load(house.config_file, profile_settings=profile_settings)
    facts = _facts()
    shown = []
    for key, value in loaded.values():
        name = dotted(key)
        origin = loaded.origin(key)
        origin = "file" if loaded.file and origin.startswith(str(loaded.file)) else origin
        secret = any(word in name for word in _SECRETS)
        shown.append(
            Setting(
                key=name,
                value=None if secret else json.loads(json.dumps(value, default=str)),
                origin=origin,
                changeable=changeable(name),
                live=any(key[: len(one)] == one for one in LIVE),
                fields=facts.get(name, {}),
            )
        )
    return SettingsShown(settings=shown)


def _facts() -> dict[str, dict[str, Any]]:
    """Key → what JSON Schema says of it."""
    if not _KNOWN:
        schema = Settings.model_json_schema()
        _collect(schema, schema.get("$defs", {}), "", _KNOWN)
    return _KNOWN


_KNOWN: dict[str, dict[str, Any]] = {}


def _collect(
    schema: dict[str, Any], known: dict[str, Any], prefix: str, out: dict[str, dict[str, Any]]
) -> None:
    for name, facts in schema.get("properties", {}).items():
        reference = facts.get("$ref", "").rpartition("/")[2]
        if reference and "properties" in known.get(reference, {}):
            _collect(known[reference], known, f"{prefix}{name}.", out)
        else:
            out[f"{prefix}{name}"] = {
                key: value for key, value in facts.items() if key not in ("title", "$ref")
            }


OPERATIONS = (
    Operation(
        "GET", "/api/settings", "Show every setting, its meaning and its origin.", show,
        "settings", answer=SettingsShown,
    ),
    Operation(
        "PATCH", "/api/settings", "Change settings; they are checked first.", change, "settings",
        body=Changes, answer=SettingsShown,
    ),
)  # fmt: skip
