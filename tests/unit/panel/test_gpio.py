"""Button and light on pins that gpiozero simulates."""

from __future__ import annotations

import builtins
from collections.abc import Iterator
from typing import Any

import pytest

pytest.importorskip("gpiozero")
from gpiozero.pins.mock import MockFactory, MockPWMPin

from edgebot.panel.gpio import Light, PinButton, opened


@pytest.fixture
def pins() -> Iterator[Any]:
    factory = MockFactory(pin_class=MockPWMPin)
    yield factory
    factory.reset()


def test_a_button_to_ground_goes_down_and_up(pins: Any) -> None:
    moves: list[str] = []
    button = PinButton(17, lambda: moves.append("down"), lambda: moves.append("up"), factory=pins)
    pin = pins.pin(17)
    assert pin.pull == "up"
    pin.drive_low()
    assert moves == ["down"]
    pin.drive_high()
    assert moves == ["down", "up"]
    button.close()


def test_a_button_to_the_supply_is_pulled_down(pins: Any) -> None:
    moves: list[str] = []
    button = PinButton(
        27, lambda: moves.append("down"), lambda: moves.append("up"), to_ground=False, factory=pins
    )
    pins.pin(27).drive_high()
    pins.pin(27).drive_low()
    assert moves == ["down", "up"]
    button.close()


def test_one_led_is_as_bright_as_the_brightest_part(pins: Any) -> None:
    light = Light((25,), brightness=0.5, factory=pins)
    light.show((0.2, 1.0, 0.0))
    assert pins.pin(25).state == pytest.approx(0.5)
    light.show((0, 0, 0))
    assert pins.pin(25).state == 0
    light.close()


def test_three_leds_make_a_colour_and_may_shine_when_low(pins: Any) -> None:
    light = Light((16, 20, 21), active_high=False, factory=pins)
    light.show((1, 0.5, 0))
    assert [pins.pin(n).state for n in (16, 20, 21)] == pytest.approx([0.0, 0.5, 1.0])
    light.close()


def test_a_pin_that_is_taken_is_a_warning_and_nothing_more(
    pins: Any, caplog: pytest.LogCaptureFixture
) -> None:
    button = PinButton(17, lambda: None, lambda: None, factory=pins)
    assert opened("lights", lambda: Light((17,), factory=pins)) is None
    assert "lights does not work" in caplog.text
    assert "group `gpio`" in caplog.text
    button.close()


def test_without_pins_at_all_it_goes_on(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("GPIOZERO_PIN_FACTORY", "native")
    assert opened("button.pin", lambda: PinButton(17, lambda: None, lambda: None)) is None
    assert "button.pin does not work" in caplog.text


def test_without_gpiozero_the_extra_is_named(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    really = builtins.__import__

    def refuse(name: str, *more: Any) -> Any:
        if name == "gpiozero":
            raise ModuleNotFoundError(name)
        return really(name, *more)

    monkeypatch.setattr(builtins, "__import__", refuse)
    assert opened("lights", lambda: Light((17,))) is None
    assert "edgebot[gpio]" in caplog.text
