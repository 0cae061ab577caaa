"""A button and lights on the pins of the board, by ``gpiozero`` where it is installed."""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

_LOG = logging.getLogger(__name__)

_BOUNCE_S = 0.02
"""The contact of a button rattles for so long."""

Colour = tuple[float, float, float]
"""Red, green, blue: 0 … 1 each."""


class PinButton:
    """A button between a pin and ground (or 3.3 V)."""

    def __init__(
        self,
        pin: int,
        down: Callable[[], None],
        up: Callable[[], None],
        *,
        to_ground: bool = True,
        factory: Any = None,
    ) -> None:
        """``factory``: a pin factory of gpiozero, for tests."""
        import gpiozero

        self._button = gpiozero.Button(
            pin, pull_up=to_ground, bounce_time=_BOUNCE_S if factory is None else None,
            pin_factory=factory,
        )  # fmt: skip
        self._button.when_pressed = down
        self._button.when_released = up

    def close(self) -> None:
        """Give the pin back."""
        self._button.close()


class Light:
    """One LED, or three of one package for red, green and blue."""

    def __init__(
        self,
        pins: tuple[int, ...],
        *,
        active_high: bool = True,
        brightness: float = 1.0,
        factory: Any = None,
    ) -> None:
        """``pins``: one, or those of red, green and blue."""
        import gpiozero

        kind: Any = gpiozero.RGBLED if len(pins) == 3 else gpiozero.PWMLED
        self._coloured = len(pins) == 3
        self._brightness = brightness
        self._led = kind(*pins, active_high=active_high, pin_factory=factory)

    def show(self, colour: Colour) -> None:
        """Shine in ``colour`` from now on; one LED as bright as the brightest part of it."""
        parts = tuple(self._brightness * part for part in colour)
        self._led.value = parts if self._coloured else max(parts)

    def close(self) -> None:
        """Go dark and give the pins back."""
        self._led.close()


def opened(what: str, make: Callable[[], Any]) -> Any:
    """What ``make`` makes, or None and one warning: the assistant works without its pins."""
    try:
        return make()
    except ModuleNotFoundError:
        _LOG.warning("%s: gpiozero is not installed; run `pip install 'edgebot[gpio]'`", what)
    except Exception as problem:  # noqa: BLE001 - each pin library has errors of its own
        _LOG.warning(
            "%s does not work (%s); check the number of the pin, and that edgebot's user is in the "
            "group `gpio` (systemd/optional/gpio.conf)", what, problem,
        )  # fmt: skip
    return None
