"""Settings of what is told to the outside: metrics and webhooks."""

from __future__ import annotations

from pathlib import Path
from typing import Literal

from pydantic import Field, field_validator

from edgebot.config.sections.base import Section

HookEvent = Literal["state", "woken", "turn", "barge_in", "trouble", "muted", "changed"]


class MetricsSettings(Section):
    """Figures for Prometheus, at ``/metrics`` of the HTTP door."""

    enabled: bool = True
    """Count and serve them. They never hold what was said."""


class Webhook(Section):
    """An address that is told what happens."""

    url: str = Field(pattern=r"^https?://[^/\s]+(/[^\s]*)?$", max_length=2048)
    """Each event is sent there as JSON, with POST."""

    events: tuple[HookEvent, ...] = ("turn",)
    """What it is told."""

    secret_file: Path | None = None
    """A file with a secret; each message is signed with it (HMAC-SHA256)."""

    words: bool = False
    """Send what was said and answered, too."""

    @field_validator("secret_file")
    @classmethod
    def _at_home(cls, value: Path | None) -> Path | None:
        return None if value is None else value.expanduser()
