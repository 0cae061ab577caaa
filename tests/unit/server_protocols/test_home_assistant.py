"""Home Assistant over its REST API: names, services, states, conversation, and its failures."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgebot.config.sections.home import HomeSettings
from edgebot.core.errors import ConfigError, HomeError
from edgebot.core.home import Device
from edgebot.server.homes.rest import HomeAssistant
from edgebot.server.homes.service import HomeService
from tests.unit.server_protocols.home_assistant import (
    TOKEN,
    SmallHomeAssistant,
    small_home_assistant,
)
from tests.unit.server_protocols.house import house_of, served, settings_with, wait_for

KITCHEN = Device("light.kitchen", "Kitchen Light", "light", "Kitchen")


@pytest.fixture
def far() -> Iterator[SmallHomeAssistant]:
    with small_home_assistant() as one:
        yield one


@pytest.fixture
def token_file(tmp_path: Path) -> Path:
    file = tmp_path / "token"
    file.write_text(TOKEN + "\n")
    return file


@pytest.fixture
def home(far: SmallHomeAssistant, token_file: Path) -> HomeAssistant:
    return HomeAssistant(HomeSettings(url=far.url, token_file=token_file))


def test_names_and_areas_are_learned(far: SmallHomeAssistant, home: HomeAssistant) -> None:
    assert home.devices() == ()
    assert home.learn() == 4, "a lock is nothing to be opened by whoever shouts through the window"
    assert KITCHEN in home.devices()
    assert {device.kind for device in home.devices()} == {"light", "cover", "climate"}


def test_without_an_administrators_token_there_are_no_areas(
    far: SmallHomeAssistant, home: HomeAssistant
) -> None:
    far.administrator = False
    assert home.learn() == 4
    assert Device("light.kitchen", "Kitchen Light", "light") in home.devices()


def test_actions_become_services(far: SmallHomeAssistant, home: HomeAssistant) -> None:
    home.learn()
    by_id = {device.id: device for device in home.devices()}
    home.do("on", [KITCHEN, by_id["light.desk"]])
    home.do("off", [by_id["cover.blind"], KITCHEN])
    home.do("brightness", [KITCHEN], 40.0)
    home.do("temperature", [by_id["climate.living"]], 21.5)
    assert far.called == [
        ("homeassistant/turn_on", {"entity_id": ["light.kitchen", "light.desk"]}),
        ("cover/close_cover", {"entity_id": ["cover.blind"]}),
        ("homeassistant/turn_off", {"entity_id": ["light.kitchen"]}),
        ("light/turn_on", {"entity_id": ["light.kitchen"], "brightness_pct": 40}),
        ("climate/set_temperature", {"entity_id": ["climate.living"], "temperature": 21.5}),
    ]


def test_states_are_asked_for(far: SmallHomeAssistant, home: HomeAssistant) -> None:
    assert home.state(KITCHEN).state == "off"
    with pytest.raises(HomeError, match="404"):
        home.state(Device("light.../../config", "x", "light"))


def test_its_conversation_answers_where_the_settings_say_so(
    far: SmallHomeAssistant, home: HomeAssistant, token_file: Path
) -> None:
    assert home.converse("hello", "en", "local") is None
    wanted = HomeSettings(url=far.url, token_file=token_file, through="conversation")
    talking = HomeAssistant(wanted)
    assert talking.converse("lights on", "en", "local") == "You said lights on"
    talking.converse("and off", "en", "local")
    talking.converse("hello", "en", "other")
    assert [talk.get("conversation_id") for talk in far.talks] == [None, "talk-1", None]


@pytest.mark.parametrize(
    "content",
    [b"", b"no json", b"[" * 100_000, b'{"a": 1}', b'["x", 5, null, {"id": 7}]', b"\xff\xfe"],
    ids=["empty", "text", "nested", "object", "strange rows", "binary"],
)
def test_strange_answers_are_errors_or_no_devices(
    far: SmallHomeAssistant, home: HomeAssistant, token_file: Path, content: bytes
) -> None:
    far.broken = (200, content)
    with contextlib.suppress(HomeError):
        assert home.learn() == 0
    wanted = HomeSettings(url=far.url, token_file=token_file, through="conversation")
    with pytest.raises(HomeError):
        HomeAssistant(wanted).converse("hello", "en", "local")


def test_a_huge_answer_is_refused(far: SmallHomeAssistant, home: HomeAssistant) -> None:
    far.broken = (200, b" " * (9 * 1024 * 1024))
    with pytest.raises(HomeError, match="longer than"):
        home.learn()


def test_what_fails_says_what_to_do(far: SmallHomeAssistant, tmp_path: Path) -> None:
    wrong = tmp_path / "wrong"
    wrong.write_text("secret-but-wrong")
    home = HomeAssistant(HomeSettings(url=far.url, token_file=wrong))
    with pytest.raises(HomeError, match=r"home\.token_file") as refused:
        home.do("on", [KITCHEN])
    assert "secret" not in str(refused.value)
    far.broken = (500, b"")
    wrong.write_text(TOKEN)
    with pytest.raises(HomeError, match="status 500"):
        HomeAssistant(HomeSettings(url=far.url, token_file=wrong)).do("on", [KITCHEN])
    gone = HomeAssistant(HomeSettings(url="http://127.0.0.1:9", token_file=wrong))
    with pytest.raises(HomeError, match=r"home\.url"):
        gone.learn()


@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "cannot be read"), (b"", "one line"), (b"a\nb", "one line"), (b"\xff", "no text")],
)
def test_a_token_file_that_cannot_be_used(
    tmp_path: Path, content: bytes | None, reason: str
) -> None:
    file = tmp_path / "token"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(ConfigError, match=reason):
        HomeAssistant(HomeSettings(url="http://home.invalid:8123", token_file=file))
    with pytest.raises(ConfigError, match=r"home\.token_file"):
        HomeAssistant(HomeSettings(url="http://home.invalid:8123"))


def test_the_service_connects_the_home_and_its_names_are_understood(
    far: SmallHomeAssistant, token_file: Path, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    wanted = {"url": far.url, "token_file": token_file, "refresh_s": 5.0}
    settings = settings_with(tmp_path / "state", home=wanted)
    caplog.set_level(logging.DEBUG)
    with house_of(settings) as house:
        link = house.assembly.household().home
        with served(house, HomeService(settings)):
            wait_for(lambda: link.homes)
            assert "kitchen" in link.words()["home_area"]
            far.entities["light.new"] = ("Reading Lamp", "Office", "off")
            wait_for(lambda: "reading lamp" in str(link.words()))
        assert not link.homes
    assert TOKEN not in caplog.text


def test_a_home_that_is_away_at_the_start_is_found_later(token_file: Path, tmp_path: Path) -> None:
    with small_home_assistant() as far:
        far.broken = (503, b"")
        wanted = {"url": far.url, "token_file": token_file, "refresh_s": 5.0}
        settings = settings_with(tmp_path / "state", home=wanted)
        with house_of(settings) as house, served(house, HomeService(settings)):
            link = house.assembly.household().home
            wait_for(lambda: far.asked)
            assert not link.homes
            far.broken = None
            wait_for(lambda: link.homes)
