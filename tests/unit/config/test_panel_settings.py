"""Keys, buttons and lights in the settings."""

from __future__ import annotations

from typing import Any

import pytest

from edgebot.config.loader import WrongSettings, load_settings


def loaded(**variables: str) -> Any:
    return load_settings(environ={f"EDGEBOT_{name}": value for name, value in variables.items()})


def test_all_is_off_unless_set() -> None:
    settings = loaded()
    assert settings.button.key is None
    assert settings.button.pin is None
    assert settings.lights.pin is None
    assert settings.lights.rgb_pins == ()


def test_keys_by_name_and_number() -> None:
    assert loaded(BUTTON__KEY="KEY_F13").button.key == "KEY_F13"
    assert loaded(BUTTON__KEY="183").button.key == "183"
    assert loaded(BUTTON__KEY="any", BUTTON__DEVICE="foot").button.device == "foot"
    assert loaded(LIGHTS__RGB_PINS="[16, 20, 21]").lights.rgb_pins == (16, 20, 21)


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"BUTTON__KEY": "KEY_F99"}, "did you mean KEY_F"),
        ({"BUTTON__KEY": "800"}, "there is no key 800"),
        ({"BUTTON__KEY": "true"}, "string"),
        ({"BUTTON__KEY": "any"}, "needs the device"),
        ({"BUTTON__DEVICE": "foot"}, "needs a key"),
        ({"BUTTON__PIN": "-1"}, "greater than or equal to 0"),
        ({"LIGHTS__RGB_PINS": "[16, 16, 21]"}, "three pins"),
        ({"LIGHTS__PIN": "4", "LIGHTS__RGB_PINS": "[16, 20, 21]"}, "either pin or rgb_pins"),
        ({"LIGHTS__BRIGHTNESS": "0"}, "greater than 0"),
    ],
)
def test_what_is_wrong_is_named(variables: dict[str, str], message: str) -> None:
    with pytest.raises(WrongSettings, match=message):
        loaded(**variables)
