"""The HTTP door as a service of the rim."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from typing import Any

import h11
import uvicorn
from uvicorn.protocols.http.h11_impl import H11Protocol

from edgebot.config.settings import Settings
from edgebot.core.errors import ConfigError, EdgebotError
from edgebot.core.network import is_loopback
from edgebot.server.house import House
from edgebot.server.http.certificate import Certificate, certificate_of
from edgebot.server.http.tokens import TokenFile

_LOG = logging.getLogger(__name__)

HEAD_S = 15.0
"""A connection has so long to say what it wants, in seconds."""

_IDLE_S = 20
_LARGEST_MESSAGE = 1_000_000
_FAREWELL_S = 1


class NotListening(EdgebotError):
    """The address is taken, or is none of this machine's."""


class HttpService:
    """Serves the API, the events and the web page."""

    name = "http"

    def __init__(self, settings: Settings) -> None:
        """Raises ``ConfigError`` where a LAN address is wanted without a token."""
        self._settings = settings
        wanted = settings.server
        self.certificate: Certificate | None = None
        self.address: tuple[str, int] | None = None
        """Where it listens, once it does."""

        if not is_loopback(wanted.host) and not TokenFile(settings.state_dir).wanted():
            raise ConfigError(
                f"server.host is {wanted.host}: whoever is in the network could come in. Make a "
                "token first (`edgebot server token`), or set server.host to 127.0.0.1"
            )
        if not is_loopback(wanted.host) or wanted.tls_certificate or wanted.tls_key:
            self.certificate = certificate_of(
                settings.state_dir, wanted.tls_certificate, wanted.tls_key, wanted.names
            )

    @property
    def url(self) -> str:
        """Where a browser finds it."""
        host, port = self.address or (self._settings.server.host, self._settings.server.port)
        shown = f"[{host}]" if ":" in host else host
        return f"{'https' if self.certificate else 'http'}://{shown}:{port}/"

    async def serve(self, house: House, stop: asyncio.Event) -> None:
        """Serve until ``stop`` is set. Raises ``NotListening``."""
        from edgebot.server.http.contents import application

        wanted = self._settings.server
        listening = _listen(wanted.host, wanted.port)
        self.address = listening.getsockname()[:2]
        server = uvicorn.Server(self._config(application(house).asgi))
        _LOG.info("listening at %s", self.url)
        if self.certificate is not None and self.certificate.own:
            _LOG.warning(
                "%s has the certificate SHA-256 %s", self.url, self.certificate.fingerprint
            )
        ending = asyncio.create_task(_end_with(stop, server))
        try:
            await server.serve(sockets=[listening])
        finally:
            ending.cancel()
            listening.close()
            self.address = None

    def _config(self, app: Any) -> uvicorn.Config:
        tls: dict[str, Any] = {}
        if self.certificate is not None:
            tls = {
                "ssl_certfile": str(self.certificate.certificate),
                "ssl_keyfile": str(self.certificate.key),
            }
        return uvicorn.Config(
            app,
            http=PatientH11,
            ws="websockets-sansio",
            ws_max_size=_LARGEST_MESSAGE,
            ws_per_message_deflate=False,
            ws_ping_interval=30.0,
            ws_ping_timeout=30.0,
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            date_header=False,
            proxy_headers=False,
            timeout_keep_alive=_IDLE_S,
            timeout_graceful_shutdown=_FAREWELL_S,
            limit_concurrency=self._settings.server.sockets + 200,
            h11_max_incomplete_event_size=32_768,
            **tls,
        )


class PatientH11(H11Protocol):
    """HTTP/1.1 that does not wait for ever for the head of a request."""

    _deadline: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A connection: it has a while to say what it wants."""
        super().connection_made(transport)
        self._mind_the_head()

    def handle_events(self) -> None:
        """As uvicorn does; a head that is begun must come to its end."""
        super().handle_events()
        self._mind_the_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """It is gone."""
        self._forget()
        super().connection_lost(exc)

    def _mind_the_head(self) -> None:
        waiting = self.conn.their_state is h11.IDLE and self.conn.our_state is h11.IDLE
        begun = self.cycle is None or bool(self.conn.trailing_data[0])
        if waiting and begun and not self.transport.is_closing():
            if self._deadline is None:
                self._deadline = self.loop.call_later(HEAD_S, self._give_up)
        else:
            self._forget()

    def _give_up(self) -> None:
        self._deadline = None
        if not self.transport.is_closing():
            self.transport.close()

    def _forget(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


def _listen(host: str, port: int) -> socket.socket:
    try:
        found = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
        family, kind, protocol, _, address = found[0]
        listening = socket.socket(family, kind, protocol)
        try:
            listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listening.bind(address)
            listening.listen(256)
            listening.setblocking(False)
        except OSError:
            listening.close()
            raise
    except OSError as error:
        raise NotListening(
            f"{host} port {port} cannot be listened at ({error.strerror or error}); set "
            "server.host and server.port to what is free"
        ) from None
    return listening


async def _end_with(stop: asyncio.Event, server: uvicorn.Server) -> None:
    with contextlib.suppress(asyncio.CancelledError):
        await stop.wait()
        server.should_exit = True
