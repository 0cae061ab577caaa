"""Settings of the connection to a Home Assistant."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from edgebot.config.sections.base import Section


class HomeSettings(Section):
    """A Home Assistant whose devices can be switched by voice."""

    url: str | None = Field(default=None, pattern=r"^https?://[^/\s]+(/[^\s]*)?$")
    """Where it is, for example ``http://homeassistant.local:8123``; without it nothing is asked."""

    token_file: Path | None = None
    """A file with a long-lived access token and nothing else."""

    ca_file: Path | None = None
    """The authority that signed its certificate, PEM; the system's when absent."""

    through: Literal["services", "conversation"] = "services"
    """`services` calls its services for what edgebot understood; `conversation` hands it the
    person's own words and speaks its answer."""

    refresh_s: float = Field(default=300.0, ge=5.0, le=86_400.0)
    """The names of devices and areas are learned again this often, in seconds."""

    @field_validator("token_file", "ca_file")
    @classmethod
    def _at_home(cls, value: Path | None) -> Path | None:
        return None if value is None else value.expanduser()
