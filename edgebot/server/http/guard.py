"""Who may come in: names and origins, the token, and how often."""

from __future__ import annotations

import ipaddress
import socket
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from http.cookies import CookieError, SimpleCookie
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from edgebot.server.http.operation import Refusal
from edgebot.server.http.problems import refused
from edgebot.server.http.tokens import TokenFile

COOKIE = "edgebot"

_WRONG_A_MINUTE = 10
"""Wrong tokens that one address may try in a minute."""

_ADDRESSES = 4096

CONTENT_SECURITY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
    "connect-src 'self'; media-src 'self' blob:; worker-src 'self'; manifest-src 'self'; "
    "base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
HEADERS = (
    (b"content-security-policy", CONTENT_SECURITY.encode()),
    (b"x-content-type-options", b"nosniff"),
    (b"x-frame-options", b"DENY"),
    (b"referrer-policy", b"no-referrer"),
    (b"cross-origin-opener-policy", b"same-origin"),
    (b"cross-origin-resource-policy", b"same-origin"),
    (b"permissions-policy", b"microphone=(self), camera=(), geolocation=()"),
)


class Rate:
    """So many a minute for each address, evenly refilled. Used on the loop only."""

    def __init__(self, a_minute: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._most = float(a_minute)
        self._clock = clock
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, address: str, count: float = 1.0) -> bool:
        """Take ``count``; False when there is nothing left."""
        now = self._clock()
        left, since = self._left.pop(address, (self._most, now))
        left = min(self._most, left + (now - since) * self._most / 60.0)
        enough = left >= 1.0
        self._left[address] = (left - count if enough else left, now)
        while len(self._left) > _ADDRESSES:
            self._left.popitem(last=False)
        return enough


@dataclass(slots=True)
class Names:
    """The names by which the door may be called: who calls it by another has been tricked."""

    names: frozenset[str]

    @classmethod
    def of(cls, configured: Iterable[str], host: str) -> Names:
        """Loopback, the board's own names, and the configured ones."""
        own = socket.gethostname().lower()
        short = own.partition(".")[0]
        known = {"localhost", own, short, f"{short}.local", host.lower(), *configured}
        return cls(frozenset(name.lower() for name in known if name))

    def allow(self, host: str) -> bool:
        """Whether a ``Host`` header is fine. A bare address cannot be rebound, so any is."""
        name = _name_in(host)
        if name in self.names:
            return True
        try:
            ipaddress.ip_address(name.strip("[]"))
        except ValueError:
            return False
        return True


class Guard:
    """ASGI middleware in front of everything."""

    def __init__(
        self,
        app: ASGIApp,
        tokens: TokenFile,
        names: Names,
        is_open: Callable[[str, str], bool],
        requests_a_minute: int,
    ) -> None:
        """``is_open``: whether method and path need no token."""
        self._app = app
        self._tokens = tokens
        self._names = names
        self._is_open = is_open
        self._rate = Rate(requests_a_minute)
        self._wrong = Rate(_WRONG_A_MINUTE)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let in or turn away."""
        if scope["type"] == "lifespan":
            await self._app(scope, receive, send)
            return
        try:
            self._check(scope)
        except Refusal as refusal:
            await _turn_away(refusal, scope, receive, send)
            return
        await self._app(scope, receive, _with_headers(send))

    def _check(self, scope: Scope) -> None:
        headers = Headers(scope=scope)
        host = headers.get("host", "")
        if not self._names.allow(host):
            raise Refusal(
                421, "wrong_name", "this name is not mine; add it to server.names if it should be"
            )
        self._check_origin(scope, headers, host)
        address = str((scope.get("client") or ("?", 0))[0])
        if not self._rate.take(address):
            raise Refusal(429, "too_often", "too many requests; wait a moment")
        method = scope.get("method", "WEBSOCKET")
        if self._is_open(method, scope["path"]) or not self._tokens.wanted():
            return
        if not self._wrong.take(address, 0.0):
            raise Refusal(429, "too_often", "too many wrong tokens; wait a minute")
        given = _token_in(headers)
        if given is not None:
            if self._tokens.opens(given):
                return
            self._wrong.take(address)
            raise Refusal(
                401, "wrong_token", "this token opens nothing; see `edgebot server token`"
            )
        cookie = _cookie_in(headers)
        if cookie is not None and self._tokens.accepts(cookie):
            return
        raise Refusal(401, "no_token", "send the token as `Authorization: Bearer …`")

    def _check_origin(self, scope: Scope, headers: Headers, host: str) -> None:
        origin = headers.get("origin")
        if origin is not None:
            scheme = {"ws": "http", "wss": "https"}.get(scope["scheme"], scope["scheme"])
            if origin.lower() != f"{scheme}://{host}".lower():
                raise Refusal(403, "foreign_origin", "another site's page may not call this one")
        site = headers.get("sec-fetch-site", "none")
        if site in ("cross-site", "same-site"):
            visit = headers.get("sec-fetch-mode") == "navigate" and scope.get("method") == "GET"
            if not (visit and scope["path"] == "/"):
                raise Refusal(403, "foreign_origin", "another site's page may not call this one")

    def wrong(self, address: str) -> bool:
        """Note a wrong token at the login; False when there were too many."""
        return self._wrong.take(address)


def _name_in(host: str) -> str:
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""


def _token_in(headers: Headers) -> str | None:
    scheme, _, value = headers.get("authorization", "").partition(" ")
    return value.strip() if scheme.lower() == "bearer" else None


def _cookie_in(headers: Headers) -> str | None:
    try:
        found = SimpleCookie(headers.get("cookie", "")).get(COOKIE)
    except CookieError:
        return None
    return None if found is None else found.value


def _with_headers(send: Send) -> Send:
    async def sending(message: Message) -> None:
        if message["type"] == "http.response.start":
            present = {name for name, _ in message["headers"]}
            added = [pair for pair in HEADERS if pair[0] not in present]
            if b"cache-control" not in present:
                added.append((b"cache-control", b"no-store"))
            message = {**message, "headers": [*message["headers"], *added]}
        await send(message)

    return sending


async def _turn_away(refusal: Refusal, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":
        await receive()  # the wish to connect
        extensions = scope.get("extensions") or {}
        if "websocket.http.response" in extensions:
            body = refusal.message.encode()
            start = {"status": refusal.status, "headers": [(b"content-type", b"text/plain")]}
            await send({"type": "websocket.http.response.start", **start})
            await send({"type": "websocket.http.response.body", "body": body})
        else:
            await send({"type": "websocket.close", "code": 1008, "reason": refusal.message})
        return
    answer = refused(refusal.status, refusal.code, refusal.message)
    await answer(scope, receive, _with_headers(send))
