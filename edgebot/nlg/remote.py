"""A larger model on the user's own network: any server with an OpenAI-compatible chat interface.

llama.cpp's server, Ollama and vLLM have it: ``POST /v1/chat/completions`` with ``stream: true``
answers in server-sent events (https://platform.openai.com/docs/api-reference/chat/streaming).
What comes from there is trusted as little as any network: sizes are bounded, redirects are not
followed, and an address outside the home network is refused unless it was allowed.
"""

from __future__ import annotations

import contextlib
import http.client
import ipaddress
import json
import logging
import socket
import threading
from collections.abc import Generator, Iterator, Sequence
from typing import Any
from urllib.parse import urlsplit

from edgebot.core.cancel import Cancellation
from edgebot.core.errors import ConfigError, EngineError
from edgebot.core.language import Generation, Message

log = logging.getLogger(__name__)

_LONGEST_LINE = 64 * 1024
_LONGEST_ANSWER = 512 * 1024
_TYPE_JSON = "application/json"


class RemoteEndpoint:
    """One chat endpoint."""

    def __init__(
        self,
        url: str,
        model: str,
        *,
        api_key: str = "",
        silence_s: float = 10.0,
        beyond_home: bool = False,
    ) -> None:
        """``url``: up to and with ``/v1``. ``silence_s``: longest pause between two tokens.

        ``beyond_home``: allow addresses that are neither private nor local. Raises
        ``ConfigError`` for what is no address.
        """
        parts = urlsplit(url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigError(
                f"llm.endpoint.url is {url!r}; expected http://host:port/v1 or https://…"
            )
        if not api_key.isascii() or not (api_key.isprintable() or not api_key):
            raise ConfigError("the key of llm.endpoint holds characters that no header may hold")
        self.model = model
        self._parts = parts
        self._key = api_key
        self._silence_s = silence_s
        self._beyond_home = beyond_home

    def stream(
        self, messages: Sequence[Message], options: Generation, cancellation: Cancellation
    ) -> Generator[str, None, None]:
        """Yield the reply in pieces; raises ``EngineError`` when the server or network fails."""
        if cancellation.is_set:
            return
        connection = self._connect()
        cancellation.on_cancel(lambda: _hang_up(connection))
        try:
            response = self._ask(connection, messages, options)
            yield from _pieces(response)
        except (OSError, http.client.HTTPException, ValueError) as problem:
            if not cancellation.is_set:
                raise EngineError(f"the endpoint {self._where} failed ({problem})") from None
        finally:
            connection.close()

    @property
    def _where(self) -> str:
        return self._parts.netloc.rpartition("@")[2]  # never the credentials

    def _connect(self) -> http.client.HTTPConnection:
        host, port = str(self._parts.hostname), self._parts.port
        if not self._beyond_home:
            _require_home(host, port)
        kind = (
            http.client.HTTPSConnection
            if self._parts.scheme == "https"
            else http.client.HTTPConnection
        )
        return kind(host, port, timeout=self._silence_s)

    def _ask(
        self,
        connection: http.client.HTTPConnection,
        messages: Sequence[Message],
        options: Generation,
    ) -> http.client.HTTPResponse:
        body = {
            "model": self.model,
            "messages": [_entry(message) for message in messages],
            "stream": True,
            "max_tokens": options.max_tokens,
            "temperature": options.temperature,
            "top_p": options.top_p,
            **({"seed": options.seed} if options.seed is not None else {}),
            **({"stop": list(options.stop)} if options.stop else {}),
        }
        headers = {"Content-Type": _TYPE_JSON, "Accept": "text/event-stream"}
        if self._key:
            headers["Authorization"] = f"Bearer {self._key}"
        path = self._parts.path.rstrip("/") + "/chat/completions"
        connection.request("POST", path, json.dumps(body).encode(), headers)
        response = connection.getresponse()
        if response.status != 200:
            raise EngineError(
                f"the endpoint {self._where} answered {response.status} {response.reason[:60]}"
            )
        return response


def _entry(message: Message) -> dict[str, str]:
    if message.role == "tool":  # without ids of calls, servers take results from the user only
        return {"role": "user", "content": f"Result: {message.content}"}
    return {"role": message.role, "content": message.content}


def _pieces(response: http.client.HTTPResponse) -> Iterator[str]:
    if _TYPE_JSON in (response.headers.get("Content-Type") or ""):
        yield _text(_loaded(response.read(_LONGEST_ANSWER)), "message")
        return
    taken = 0
    ended = False
    while line := response.readline(_LONGEST_LINE):
        taken += len(line)
        if taken > _LONGEST_ANSWER or (len(line) == _LONGEST_LINE and not line.endswith(b"\n")):
            raise EngineError("the endpoint sends without an end")
        if not line.startswith(b"data:"):
            continue
        data = line[5:].strip()
        if data == b"[DONE]":
            ended = True
            break
        entry = _loaded(data)
        if piece := _text(entry, "delta"):
            yield piece
        ended = ended or bool(_choice(entry).get("finish_reason"))
    if not ended:
        raise EngineError("the endpoint hung up in the middle of the reply")


def _loaded(data: bytes) -> dict[str, Any]:
    try:
        entry = json.loads(data)
    except (ValueError, RecursionError):
        raise EngineError("the endpoint sends no JSON") from None
    if not isinstance(entry, dict):
        raise EngineError("the endpoint sends something else than a chat completion")
    if "error" in entry:
        raise EngineError(f"the endpoint reports an error: {str(entry['error'])[:120]}")
    return entry


def _choice(entry: dict[str, Any]) -> dict[str, Any]:
    choices = entry.get("choices")
    if not choices:  # usage and keep-alive events have none
        return {}
    if isinstance(choices, list) and isinstance(choices[0], dict):
        return choices[0]
    raise EngineError("the endpoint sends something else than a chat completion")


def _text(entry: dict[str, Any], key: str) -> str:
    content = (_choice(entry).get(key) or {}).get("content")
    if content is None:
        return ""
    if not isinstance(content, str):
        raise EngineError("the endpoint sends something else than text")
    return content


def _require_home(host: str, port: int | None) -> None:
    """Raise ``EngineError`` unless every address of ``host`` is private, local or link-local."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as problem:
        raise EngineError(f"the endpoint {host} is not to be found ({problem})") from None
    for *_, address in found:
        ip = ipaddress.ip_address(str(address[0]).split("%")[0])
        if not (ip.is_private or ip.is_loopback or ip.is_link_local):
            raise EngineError(
                f"the endpoint {host} ({ip}) is outside the home network; "
                "set llm.endpoint.beyond_home to allow that"
            )


def _hang_up(connection: http.client.HTTPConnection) -> None:
    """Wake a thread that waits for this connection."""
    if (sock := connection.sock) is not None:
        with contextlib.suppress(OSError):
            sock.shutdown(socket.SHUT_RDWR)


class RemoteStream:
    """A remote reply read by its own thread, so that a dead name server or host costs no time."""

    _END = object()

    def __init__(
        self, endpoint: RemoteEndpoint, messages: Sequence[Message], options: Generation
    ) -> None:
        self.cancellation = Cancellation()
        self._changed = threading.Condition()
        self._items: list[Any] = []
        self.cancellation.on_cancel(lambda: self._put(self._END))
        threading.Thread(
            target=self._run, args=(endpoint, messages, options), name="llm-remote", daemon=True
        ).start()

    def next(self, timeout_s: float) -> str | None:
        """The next piece, None at the end.

        Raises ``EngineError`` when the endpoint failed or gave nothing within ``timeout_s``.
        """
        with self._changed:
            if not self._changed.wait_for(lambda: bool(self._items), timeout_s):
                raise EngineError(f"the endpoint said nothing within {timeout_s:g} s")
            item = self._items.pop(0)
        if isinstance(item, EngineError):
            raise item
        return item if isinstance(item, str) else None

    def _run(
        self, endpoint: RemoteEndpoint, messages: Sequence[Message], options: Generation
    ) -> None:
        try:
            for piece in endpoint.stream(messages, options, self.cancellation):
                self._put(piece)
            self._put(self._END)
        except EngineError as failure:
            self._put(failure)

    def _put(self, item: object) -> None:
        with self._changed:
            self._items.append(item)
            self._changed.notify_all()
