"""Which doors the settings open, and which they refuse to open."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from edgebot.core.errors import ConfigError
from edgebot.server.doors import services_of
from tests.unit.server_protocols.house import settings_with


def test_by_default_nothing_can_be_reached_from_the_network(tmp_path: Path) -> None:
    settings = settings_with(tmp_path)
    assert [service.name for service in services_of(settings)] == ["http", "control", "metrics"]
    assert settings.server.host == settings.wyoming.host == "127.0.0.1"


def test_every_door_that_is_wanted_is_opened(tmp_path: Path) -> None:
    token = tmp_path / "token"
    token.write_text("xyz")
    settings = settings_with(
        tmp_path,
        wyoming={"enabled": True, "satellites": [{"room": "kitchen", "host": "192.0.2.1"}]},
        mqtt={"host": "192.0.2.2"},
        home={"url": "http://192.0.2.3:8123", "token_file": token},
        webhooks=[{"url": "http://192.0.2.4/"}],
    )
    names = [service.name for service in services_of(settings)]
    assert names == [
        "http", "control", "wyoming", "wyoming hub", "home", "mqtt", "metrics", "webhooks",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("sections", "key"),
    [
        ({"wyoming": {"enabled": True, "host": "0.0.0.0"}}, r"wyoming\.allow"),
        ({"mqtt": {"host": "a", "password_file": "/nowhere"}}, r"mqtt\.password_file"),
        ({"home": {"url": "http://a:8123"}}, r"home\.token_file"),
        ({"webhooks": [{"url": "http://a/", "secret_file": "/nowhere"}]}, r"webhooks\.secret"),
    ],
)
def test_a_door_that_may_not_be_opened_is_refused_with_its_key(
    tmp_path: Path, sections: dict[str, object], key: str
) -> None:
    with pytest.raises(ConfigError, match=key):
        services_of(settings_with(tmp_path, **sections))


@pytest.mark.parametrize(
    "sections",
    [
        {"wyoming": {"allow": ["my house"]}},
        {"wyoming": {"satellites": [{"room": "a", "host": "x"}, {"room": "a", "host": "y"}]}},
        {"wyoming": {"satellites": [{"room": "../etc", "host": "x"}]}},
        {"mqtt": {"node": "a/b"}},
        {"mqtt": {"discovery_prefix": "#"}},
        {"home": {"url": "homeassistant.local"}},
        {"webhooks": [{"url": "http://a/", "events": ["everything"]}]},
    ],
)
def test_settings_that_make_no_sense_are_refused(
    tmp_path: Path, sections: dict[str, object]
) -> None:
    with pytest.raises(ValueError, match="validation error"):
        settings_with(tmp_path, **sections)


def test_a_door_that_is_closed_costs_no_memory() -> None:
    """Its libraries are not even imported."""
    script = (
        "import sys\n"
        "import edgebot.server.doors\n"
        "doors = {'wyoming', 'zeroconf', 'aiomqtt', 'paho', 'prometheus_client'}\n"
        "found = doors & set(sys.modules)\n"
        "assert not found, found\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
