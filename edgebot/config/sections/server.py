"""Settings of the HTTP door."""

from __future__ import annotations

from pathlib import Path

from pydantic import Field, field_validator

from edgebot.config.sections.base import Section


class ServerSettings(Section):
    """HTTP, WebSocket, the web page and the OpenAI-compatible API of `edgebot run` and `serve`."""

    enabled: bool = True
    """Whether the HTTP door is open at all."""

    host: str = Field(default="127.0.0.1", min_length=1, max_length=253)
    """Address to listen on. Anything but a loopback address takes a token (`edgebot server token`)
    and TLS."""

    port: int = Field(default=8600, ge=0, le=65535)
    """TCP port; 0 takes any that is free."""

    names: tuple[str, ...] = ()
    """Names by which browsers reach the board, besides its address and host name (for example
    ``edgebot.home.arpa``); calls by any other name are refused."""

    tls_certificate: Path | None = None
    """A certificate of your own, PEM; with a LAN address and without it one is generated."""

    tls_key: Path | None = None
    """The private key of ``tls_certificate``, PEM."""

    page: bool = True
    """Serve the web page at ``/``."""

    openai: bool = True
    """Serve the OpenAI-compatible API below ``/v1``."""

    turns_at_once: int = Field(default=2, ge=1, le=16)
    """Turns that are worked on at the same time for all doors together; the voice comes first."""

    turns_waiting: int = Field(default=100, ge=1, le=1000)
    """Turns that may wait for their place; who comes after them is told to come again."""

    requests_a_minute: int = Field(default=6000, ge=10, le=100_000)
    """Requests that one address may send in a minute."""

    max_body_mb: int = Field(default=16, ge=1, le=256)
    """Largest request in MB: recordings and documents."""

    sockets: int = Field(default=2000, ge=1, le=20_000)
    """WebSockets that may be open at once."""

    @field_validator("tls_certificate", "tls_key")
    @classmethod
    def _at_home(cls, value: Path | None) -> Path | None:
        return None if value is None else value.expanduser()
