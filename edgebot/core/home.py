"""The home around the assistant: devices that somebody else connects, and the port to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal, Protocol

Action = Literal["on", "off", "open", "close", "brightness", "temperature"]


@dataclass(frozen=True, slots=True)
class Device:
    """Something that can be switched or asked for."""

    id: str
    """As the home calls it: ``light.kitchen``."""

    name: str
    """As people call it."""

    kind: str
    """``light switch fan cover climate …``: Home Assistant's domains."""

    area: str = ""
    """The room it is in, as people call it; empty when nobody said."""

    aliases: tuple[str, ...] = ()
    """Other names for it."""


@dataclass(frozen=True, slots=True)
class DeviceState:
    """How a device is."""

    state: str
    """``on``, ``off``, ``open``, ``21.5`` …; empty when it is not known."""

    unit: str = ""
    attributes: Mapping[str, object] = field(default_factory=dict)


class Home(Protocol):
    """A home that is connected. Safe from any thread; every call may take a few seconds.

    What fails raises ``HomeError``, with a reason for the log.
    """

    name: str
    """For the log: ``home assistant``, ``mqtt``."""

    def devices(self) -> Sequence[Device]:
        """What there is, as last learned; does not wait for anybody."""

    def do(self, action: Action, devices: Sequence[Device], value: float | None = None) -> None:
        """Carry ``action`` out on ``devices``; ``value`` in per cent or degrees Celsius."""

    def state(self, device: Device) -> DeviceState:
        """How ``device`` is now."""

    def converse(self, text: str, language: str, session: str) -> str | None:
        """The home's own answer to the person's words, carried out by it; None when this home
        takes no words."""
