"""Settings of what can be pressed and seen on the board."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, field_validator, model_validator

from edgebot.config.key_names import code_of
from edgebot.config.sections.base import Section

Pin = Annotated[int, Field(ge=0, le=1023)]


class ButtonSettings(Section):
    """Push to talk: tapped it opens the microphone, held it keeps it open."""

    key: str | None = None
    """Key of any input device, by its name in Linux such as `KEY_F13`, or its number; `any` for
    each key of ``button.device``."""

    device: str | None = None
    """The input device the key is on: a path in `/dev/input`, or a part of the device's name; all
    of them when absent."""

    pin: Pin | None = None
    """GPIO pin of a button, in the processor's own numbering (`17`, not the 11th pin of the
    header); needs `gpiozero`, the extra `gpio`."""

    to_ground: bool = True
    """The button joins the pin to ground; otherwise to 3.3 V."""

    @field_validator("key", mode="before")
    @classmethod
    def _known(cls, value: Any) -> Any:
        if isinstance(value, bool) or not isinstance(value, int | str):
            return value
        code_of(str(value))
        return str(value)

    @model_validator(mode="after")
    def _somewhere(self) -> ButtonSettings:
        if self.device is None and self.key is not None and code_of(self.key) is None:
            raise ValueError("key: any needs the device it is on")
        if self.device is not None and self.key is None:
            raise ValueError("device needs a key on it, or key: any")
        return self


class LightSettings(Section):
    """A light that shows what the assistant does; needs `gpiozero`, the extra `gpio`."""

    pin: Pin | None = None
    """GPIO pin of an LED."""

    rgb_pins: tuple[Pin, ...] = ()
    """GPIO pins of the red, green and blue of one LED, in its place."""

    active_high: bool = True
    """The light shines when its pin is high."""

    brightness: float = Field(default=1.0, gt=0, le=1)
    """Share of the full brightness."""

    @field_validator("rgb_pins")
    @classmethod
    def _three(cls, value: tuple[int, ...]) -> tuple[int, ...]:
        if value and len(set(value)) != 3:
            raise ValueError("must be three pins: red, green, blue")
        return value

    @model_validator(mode="after")
    def _one_light(self) -> LightSettings:
        if self.pin is not None and self.rgb_pins:
            raise ValueError("name either pin or rgb_pins")
        return self
