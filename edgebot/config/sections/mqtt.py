"""Settings of the MQTT door."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, field_validator

from edgebot.config.sections.base import Section


class MqttSettings(Section):
    """An MQTT broker, by which Home Assistant finds the assistant and its devices."""

    host: str | None = Field(default=None, min_length=1, max_length=253)
    """The broker; without one there is no MQTT."""

    port: int = Field(default=1883, ge=1, le=65535)
    """TCP port of the broker; with TLS usually 8883."""

    user: str | None = Field(default=None, min_length=1, max_length=256)
    """User name at the broker."""

    password_file: Path | None = None
    """A file with the password and nothing else (a systemd credential, for example)."""

    tls: bool = False
    """Encrypt the connection and check the broker's certificate."""

    ca_file: Path | None = None
    """The authority that signed the broker's certificate, PEM; the system's when absent."""

    node: str = Field(default="edgebot", pattern=r"^[A-Za-z0-9_-]{1,32}$")
    """Names this assistant among others at the same broker: part of its topics."""

    name: str = Field(default="edgebot", min_length=1, max_length=64)
    """How Home Assistant calls the device."""

    discovery_prefix: str = Field(default="homeassistant", pattern=r"^[^#+/\s]{1,64}$")
    """First part of the topics by which devices are announced; Home Assistant's setting."""

    words: bool = False
    """Publish what was said and answered, and the names of timers, too."""

    devices: bool = True
    """Learn the devices announced at the broker and switch them; where ``home.url`` is set, that
    comes first."""

    @field_validator("password_file", "ca_file")
    @classmethod
    def _at_home(cls, value: Path | None) -> Path | None:
        return None if value is None else value.expanduser()
