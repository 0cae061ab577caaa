"""Settings of the Wyoming door: speech services, satellites in other rooms."""

from __future__ import annotations

import ipaddress

from pydantic import Field, field_validator

from edgebot.config.sections.base import Section


class RoomSatellite(Section):
    """A Wyoming satellite in another room that this board answers."""

    room: str = Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9_-]{0,31}$")
    """Names the conversation of that room: each has its own."""

    host: str = Field(min_length=1, max_length=253)
    """Address or name of the satellite."""

    port: int = Field(default=10700, ge=1, le=65535)
    """TCP port of the satellite."""

    area: str | None = Field(default=None, max_length=64)
    """The area of the home it stands in, for "turn on the light" without a room."""


class WyomingSettings(Section):
    """The Wyoming protocol, with which Home Assistant uses speech services."""

    enabled: bool = False
    """Serve speech to text, text to speech, wake words, understanding and answers."""

    host: str = Field(default="127.0.0.1", min_length=1, max_length=253)
    """Address to listen on. The protocol knows neither passwords nor encryption, so anything but
    a loopback address takes ``allow``."""

    port: int = Field(default=10300, ge=0, le=65535)
    """TCP port; 0 takes any that is free."""

    allow: tuple[str, ...] = ()
    """Addresses and networks that may connect, for example ``192.168.1.20`` or
    ``192.168.1.0/24``; the machine itself always may."""

    announce: bool = True
    """Announce the services in the network (zeroconf), so that Home Assistant offers to add them;
    never done on a loopback address."""

    name: str = Field(default="edgebot", pattern=r"^[A-Za-z0-9][A-Za-z0-9 _-]{0,31}$")
    """Name in the announcement; give each board its own."""

    connections: int = Field(default=16, ge=1, le=256)
    """Connections that may be open at once."""

    satellites: tuple[RoomSatellite, ...] = ()
    """Satellites in other rooms that this board answers: ``room``, ``host``, ``port`` and ``area``
    of each."""

    satellite_port: int = Field(default=10700, ge=0, le=65535)
    """TCP port of `edgebot satellite`, where this board is the satellite of a Home Assistant."""

    @field_validator("allow")
    @classmethod
    def _networks(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        for one in value:
            try:
                ipaddress.ip_network(one, strict=False)
            except ValueError:
                raise ValueError(
                    f"{one!r} is neither an address nor a network such as 192.168.1.0/24"
                ) from None
        return value

    @field_validator("satellites")
    @classmethod
    def _apart(cls, value: tuple[RoomSatellite, ...]) -> tuple[RoomSatellite, ...]:
        rooms = [one.room for one in value]
        if len(set(rooms)) != len(rooms):
            raise ValueError("two satellites have the same room; give each its own")
        return value
