"""An endpoint may be slow, dead, wrong or endless; the board answers all the same."""

from __future__ import annotations

import contextlib
import json
import socket
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

from edgebot.core.cancel import Cancellation
from edgebot.core.errors import ConfigError, EngineError
from edgebot.core.language import Generation, Message
from edgebot.nlg.fallback import PreferRemote
from edgebot.nlg.remote import RemoteEndpoint
from tests.unit.nlg.fakes import Clock, FakeModel

ASKED = [Message("system", "s"), Message("user", "hi")]
Answer = Callable[[BaseHTTPRequestHandler], None]


class Server:
    """A chat server whose answers the test writes."""

    def __init__(self) -> None:
        self.answer: Answer = stream("Hello ", "there.")
        self.requests: list[dict[str, Any]] = []
        self.headers: list[dict[str, str]] = []
        self.release = threading.Event()
        outer = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.requests.append({"path": self.path, **json.loads(body)})
                outer.headers.append(dict(self.headers))
                with contextlib.suppress(OSError):  # the client may hang up
                    outer.answer(self)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_port}/v1"
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.release.set()
        self._server.shutdown()
        self._server.server_close()


def head(
    handler: BaseHTTPRequestHandler, status: int = 200, kind: str = "text/event-stream"
) -> None:
    handler.send_response(status)
    handler.send_header("Content-Type", kind)
    handler.end_headers()


def event(content: str) -> bytes:
    return b"data: " + json.dumps({"choices": [{"delta": {"content": content}}]}).encode() + b"\n\n"


def stream(*pieces: str, end: bytes = b"data: [DONE]\n\n") -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        head(handler)
        handler.wfile.write(b": keep-alive\n\n" + b'data: {"choices": []}\n\n')
        for piece in pieces:
            handler.wfile.write(event(piece))
        handler.wfile.write(end)

    return answer


def raw(data: bytes, status: int = 200, kind: str = "text/event-stream") -> Answer:
    def answer(handler: BaseHTTPRequestHandler) -> None:
        head(handler, status, kind)
        handler.wfile.write(data)

    return answer


@pytest.fixture
def server() -> Iterator[Server]:
    running = Server()
    yield running
    running.close()


def ask(server: Server, **options: Any) -> str:
    endpoint = RemoteEndpoint(server.url, "big", **options)
    return "".join(endpoint.stream(ASKED, Generation(seed=7), Cancellation()))


def test_streams_the_reply(server: Server) -> None:
    assert ask(server, api_key="secret") == "Hello there."
    request = server.requests[0]
    assert request["path"] == "/v1/chat/completions"
    assert request["messages"][1] == {"role": "user", "content": "hi"}
    assert (request["model"], request["seed"], request["stream"]) == ("big", 7, True)
    assert server.headers[0]["Authorization"] == "Bearer secret"


def test_takes_a_reply_in_one_piece(server: Server) -> None:
    body = json.dumps({"choices": [{"message": {"content": "All at once."}}]}).encode()
    server.answer = raw(body, kind="application/json")
    assert ask(server) == "All at once."


BAD: dict[str, Answer] = {
    "an error status": raw(b"", 500),
    "a redirect": lambda handler: (  # type: ignore[dict-item]
        handler.send_response(302),
        handler.send_header("Location", "http://127.0.0.1:9/steal"),
        handler.end_headers(),
    )[-1],
    "no JSON": raw(b"data: hello\n\n"),
    "JSON of another kind": raw(b"data: [1, 2]\n\n"),
    "choices of another kind": raw(b'data: {"choices": {"a": 1}}\n\n'),
    "text of another kind": raw(b'data: {"choices": [{"delta": {"content": 3}}]}\n\n'),
    "an error event": raw(b'data: {"error": "out of memory"}\n\n'),
    "nothing at all": raw(b""),
    "an endless line": raw(b"data: " + b"x" * 200_000),
    "an endless reply": raw(event("spam " * 1000) * 2000),
    "a hang-up in the middle": stream("Hel", end=b""),
    "deep JSON": raw(b"data: " + b"[" * 60_000 + b"\n\n"),
}


@pytest.mark.parametrize("kind", BAD)
def test_bad_answers_are_errors(server: Server, kind: str) -> None:
    server.answer = BAD[kind]
    with pytest.raises(EngineError, match="endpoint"):
        ask(server)


def test_nobody_listens() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    endpoint = RemoteEndpoint(f"http://127.0.0.1:{port}/v1", "big")
    with pytest.raises(EngineError, match="failed"):
        list(endpoint.stream(ASKED, Generation(), Cancellation()))


@pytest.mark.parametrize(
    "url", ["", "ftp://a/v1", "http://", "192.168.0.2:8080", "file:///etc/passwd"]
)
def test_wrong_addresses_are_configuration_errors(url: str) -> None:
    with pytest.raises(ConfigError, match="url"):
        RemoteEndpoint(url, "big")


@pytest.mark.parametrize("key", ["a\nX-Evil: 1", "schlüssel"])
def test_keys_cannot_smuggle_headers(key: str) -> None:
    with pytest.raises(ConfigError, match="key"):
        RemoteEndpoint("http://127.0.0.1/v1", "big", api_key=key)


def test_addresses_outside_the_home_are_refused_unless_allowed() -> None:
    endpoint = RemoteEndpoint("http://233.252.0.1:1/v1", "big")
    with pytest.raises(EngineError, match="outside the home network"):
        list(endpoint.stream(ASKED, Generation(), Cancellation()))


def prefer(server: Server, local: FakeModel, **options: Any) -> PreferRemote:
    return PreferRemote(local, RemoteEndpoint(server.url, "big"), **options)


def said(model: PreferRemote, options: Generation | None = None) -> str:
    return "".join(model.generate(ASKED, options or Generation(), Cancellation()))


def test_the_endpoint_is_preferred(server: Server) -> None:
    local = FakeModel("Local words.")
    model = prefer(server, local)
    assert said(model) == "Hello there."
    assert model.stats.remote_model == "big"
    assert model.stats.finish == "stop"
    assert local.prompts == []


@pytest.mark.parametrize(
    "kind", [kind for kind in BAD if kind not in ("a hang-up in the middle", "an endless reply")]
)
def test_the_board_answers_when_the_endpoint_fails(server: Server, kind: str) -> None:
    server.answer = BAD[kind]
    model = prefer(server, FakeModel("Local words."))
    assert said(model) == "Local words."
    assert model.stats.remote_model == ""


def test_the_board_answers_when_the_endpoint_is_slow_and_has_read_ahead(server: Server) -> None:
    def slow(handler: BaseHTTPRequestHandler) -> None:
        head(handler)
        server.release.wait(30)

    server.answer = slow
    local = FakeModel("Local words.")
    assert said(prefer(server, local, first_token_s=0.05)) == "Local words."
    assert local.prefilled[0][0] == ASKED


def test_after_a_failure_the_endpoint_rests_and_is_tried_again(server: Server) -> None:
    clock = Clock()
    server.answer = BAD["an error status"]
    model = prefer(server, FakeModel("Local words."), rest_s=60, clock=clock)
    assert said(model) == "Local words."
    server.answer = stream("Back again.")
    assert not model.expects_remote
    assert said(model) == "Local words."
    assert len(server.requests) == 1
    clock.now = 61
    assert said(model) == "Back again."


def test_a_reply_that_breaks_off_is_marked_as_torn(server: Server) -> None:
    server.answer = BAD["a hang-up in the middle"]
    model = prefer(server, FakeModel("Local words."))
    assert said(model) == "Hel"
    assert model.stats.finish == "length"


def test_grammars_and_beginnings_are_the_boards_own(server: Server) -> None:
    model = prefer(server, FakeModel("Local words."))
    assert said(model, Generation(grammar='root ::= "a"')) == "Local words."
    begun = [*ASKED, Message("assistant", "It")]
    assert "".join(model.generate(begun, Generation(), Cancellation())) == "Local words."
    assert server.requests == []


def test_cancelling_ends_the_wait(server: Server) -> None:
    cancellation = Cancellation()

    def answer(handler: BaseHTTPRequestHandler) -> None:
        head(handler)
        cancellation.cancel()
        server.release.wait(30)

    server.answer = answer
    local = FakeModel("Local words.")
    model = prefer(server, local, first_token_s=30)
    assert list(model.generate(ASKED, Generation(), cancellation)) == []
    assert model.expects_remote, "a cancelled turn is no failure of the endpoint"
