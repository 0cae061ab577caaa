"""Who gets in, and who does not."""

from __future__ import annotations

import http.client
import re
import socket
import ssl
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import websockets
import websockets.sync.client
from starlette.routing import Route

from edgebot.config.loader import load_settings
from edgebot.core.errors import ConfigError
from edgebot.core.network import is_loopback
from edgebot.server.http.certificate import certificate_of
from edgebot.server.http.contents import application
from edgebot.server.http.guard import Names, Rate
from edgebot.server.http.service import HttpService
from edgebot.server.http.tokens import COOKIE_S, TokenFile

OPEN = {"/healthz", "/readyz", "/openapi.json", "/api/door", "/api/login", "/api/logout"}


@pytest.fixture
def locked(open_board: Callable[..., Any]) -> Any:
    board = open_board()
    board.token = TokenFile(board.assembly.settings.state_dir).make()
    return board


def _routes(board: Any) -> list[tuple[str, str]]:
    found = []
    for route in application(board.house).starlette.routes:
        if isinstance(route, Route):
            path = re.sub(r"\{\w+\}", "1", route.path)
            found += [(method, path) for method in route.methods or () if method != "HEAD"]
    return found


def test_every_route_wants_the_token(locked: Any) -> None:
    routes = _routes(locked)
    assert len(routes) > 40
    pages = {"/", "/app.js", "/base.css", "/icon.svg"}
    with locked.client() as client:
        for method, path in routes:
            if path in OPEN or "." in path or path == "/":
                continue
            answer = client.request(method, path, json={})
            assert answer.status_code == 401, (method, path)
            assert answer.headers["www-authenticate"].startswith("Bearer")
        for path in pages | (OPEN - {"/api/login", "/api/logout"}):
            assert client.get(path).status_code in (200, 503), path
        right = {"Authorization": f"Bearer {locked.token}"}
        assert client.get("/api/status", headers=right).status_code == 200


def test_a_wrong_token_opens_nothing_and_guessing_ends(locked: Any) -> None:
    wrong = [locked.token + "x", locked.token[:-1], ".", "\xff", "Bearer", "a" * 5000]
    with locked.client() as client:
        codes = []
        for token in wrong * 4:
            headers = {"Authorization": b"Bearer " + token.encode("latin-1")}
            codes.append(client.get("/api/status", headers=headers).status_code)
        assert set(codes) == {401, 429}
        assert codes[-1] == 429
        login = client.post("/api/login", json={"token": "wrong"})
        assert login.status_code == 429


@pytest.mark.parametrize("routes", [0, 1])
def test_every_route_refuses_a_wrong_token(open_board: Callable[..., Any], routes: int) -> None:
    board = open_board()
    TokenFile(board.assembly.settings.state_dir).make()
    wrong = {"Authorization": "Bearer edgebot_wrong"}
    with board.client() as client:
        for method, path in _routes(board)[routes::2]:
            if path in OPEN or "." in path or path == "/":
                continue
            assert client.request(method, path, headers=wrong, json={}).status_code in (401, 429)


def test_a_browser_logs_in_with_a_cookie(locked: Any) -> None:
    with locked.client() as client:
        assert client.post("/api/login", json={"token": "wrong"}).status_code == 401
        done = client.post("/api/login", json={"token": locked.token})
        assert done.status_code == 204
        cookie = done.headers["set-cookie"]
        assert "HttpOnly" in cookie and "SameSite=strict" in cookie
        assert locked.token not in cookie
        assert client.get("/api/status").status_code == 200
        headers = {"Cookie": f"edgebot={client.cookies['edgebot']}"}
        with websockets.sync.client.connect(locked.events, additional_headers=headers) as socket_:
            assert "hello" in str(socket_.recv(timeout=30))
        TokenFile(locked.assembly.settings.state_dir).make()
        assert client.get("/api/status").status_code == 401


def test_a_websocket_wants_the_token(locked: Any) -> None:
    with pytest.raises(websockets.InvalidStatus) as refused:
        websockets.sync.client.connect(locked.events)
    assert refused.value.response.status_code == 401
    right = {"Authorization": f"Bearer {locked.token}"}
    with websockets.sync.client.connect(locked.events, additional_headers=right) as socket_:
        assert "hello" in str(socket_.recv(timeout=30))


@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "evil.example:8600"},
        {"Host": ""},
        {"Host": "localhost.evil.example"},
        {"Host": "127.0.0.1.evil.example"},
        {"Host": "[::1"},
        {"Origin": "http://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:1"},
        {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "no-cors"},
        {"Sec-Fetch-Site": "same-site", "Sec-Fetch-Mode": "cors"},
    ],
)
def test_other_names_and_other_sites_are_turned_away(
    board: Any, http: httpx.Client, headers: dict[str, str]
) -> None:
    for path in ("/api/status", "/", "/openapi.json"):
        assert http.get(path, headers=headers).status_code in (400, 403, 421), path
    with pytest.raises((websockets.InvalidStatus, websockets.InvalidMessage)):
        connection = http_handshake(board, headers)
        connection.close()


def http_handshake(board: Any, headers: dict[str, str]) -> Any:
    host, port = board.service.address
    connection = http_client = http.client.HTTPConnection(host, port, timeout=30)  # type: ignore[attr-defined]
    wanted = {
        "Host": f"{host}:{port}", "Connection": "Upgrade", "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13", "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA==", **headers,
    }  # fmt: skip
    connection.request("GET", "/api/events", headers=wanted)
    answer = connection.getresponse()
    if answer.status != 101:
        raise websockets.InvalidMessage(str(answer.status))
    return http_client


def test_a_page_of_its_own_may_call(board: Any, http: httpx.Client) -> None:
    own = {"Origin": board.url, "Sec-Fetch-Site": "same-origin"}
    assert http.get("/api/status", headers=own).status_code == 200
    visit = {"Sec-Fetch-Site": "cross-site", "Sec-Fetch-Mode": "navigate"}
    assert http.get("/", headers=visit).status_code == 200
    assert http.get("/api/turns", headers=visit).status_code == 403


def test_every_answer_has_its_headers(http: httpx.Client) -> None:
    for path in ("/", "/api/status", "/nowhere", "/app.js"):
        headers = http.get(path).headers
        assert "default-src 'none'" in headers["content-security-policy"]
        assert "unsafe" not in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "no-referrer"
    assert http.get("/api/status").headers["cache-control"] == "no-store"


def test_the_page_loads_nothing_from_elsewhere(http: httpx.Client) -> None:
    from edgebot.server.http.pages import FILES

    for path, file in FILES.items():
        text = http.get(path).text
        assert text == file.read_text()
        found = re.findall(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}[^\s\"'`)]*", text)
        assert not [url for url in found if "www.w3.org" not in url], path
        assert not re.search(r"\son\w+=\"|<style|style=\"|innerHTML|javascript:", text), path


@pytest.mark.parametrize(
    "path",
    ["/../etc/passwd", "/..%2f..%2fetc%2fpasswd", "/%2e%2e/app.js", "/app.js/../../x",
     "//etc/passwd",
     "/page/index.html", "/index.html", "/app.js%00.html", "/.env"],
)  # fmt: skip
def test_no_path_leads_to_a_file(board: Any, path: str) -> None:
    host, port = board.service.address
    connection = http.client.HTTPConnection(host, port, timeout=30)
    connection.request("GET", path)
    answer = connection.getresponse()
    assert answer.status in (400, 404)
    assert b"root:" not in answer.read()


def test_too_many_requests_are_told_so(open_board: Callable[..., Any]) -> None:
    board = open_board(requests_a_minute=10)
    with board.client() as client:
        codes = [client.get("/healthz").status_code for _ in range(30)]
    assert codes[0] == 200 and 429 in codes


def test_a_rate_refills() -> None:
    now = [0.0]
    rate = Rate(60, clock=lambda: now[0])
    assert all(rate.take("a") for _ in range(60))
    assert not rate.take("a") and rate.take("b")
    now[0] = 1.5
    assert rate.take("a") and not rate.take("a")


def test_names() -> None:
    names = Names.of(("edgebot.home.arpa",), "127.0.0.1")
    for host in (
        "localhost:8600",
        "127.0.0.1",
        "[::1]:8600",
        "192.168.1.7:8600",
        "EDGEBOT.home.arpa",
    ):
        assert names.allow(host), host
    for host in ("", "evil.example", "localhost.evil.example", "1.2.3.4.evil.example", "[", "a b"):
        assert not names.allow(host), host


def test_a_lan_address_takes_a_token_and_tls(tmp_path: Path) -> None:
    environ = {"EDGEBOT_STATE_DIR": str(tmp_path), "EDGEBOT_SERVER__HOST": "0.0.0.0"}
    with pytest.raises(ConfigError, match="edgebot server token"):
        HttpService(load_settings(None, environ))
    TokenFile(tmp_path).make()
    service = HttpService(load_settings(None, environ))
    assert service.certificate is not None and service.certificate.own
    assert re.fullmatch(r"([0-9A-F]{2}:){31}[0-9A-F]{2}", service.certificate.fingerprint)
    assert (tmp_path / "server" / "key.pem").stat().st_mode & 0o777 == 0o600
    with pytest.raises(ConfigError, match="belong together"):
        certificate_of(tmp_path, tmp_path / "server" / "certificate.pem", None)
    (tmp_path / "bad.pem").write_text("nothing")
    with pytest.raises(ConfigError, match="cannot be used"):
        certificate_of(tmp_path, tmp_path / "bad.pem", tmp_path / "bad.pem")
    again = certificate_of(tmp_path, None, None)
    assert again.fingerprint == service.certificate.fingerprint


@pytest.mark.parametrize(
    ("host", "loopback"),
    [("127.0.0.1", True), ("localhost", True), ("::1", True), ("127.8.8.8", True),
     ("0.0.0.0", False), ("::", False), ("192.168.1.2", False), ("board.local", False)],
)  # fmt: skip
def test_loopback_is_told(host: str, loopback: bool) -> None:
    assert is_loopback(host) is loopback


def test_tls_is_served_with_the_fingerprint_shown(
    open_board: Callable[..., Any], tmp_path: Path
) -> None:
    made = certificate_of(tmp_path / "state", None, None)
    board = open_board(tls_certificate=made.certificate, tls_key=made.key)
    assert board.url.startswith("https://")
    context = ssl.create_default_context(cafile=str(made.certificate))
    with httpx.Client(base_url=board.url, verify=context, timeout=60) as client:
        assert client.get("/healthz").status_code == 200
    with httpx.Client(timeout=60) as stranger, pytest.raises(httpx.ConnectError):
        stranger.get(f"{board.url}/healthz")
    der = ssl.PEM_cert_to_DER_cert(ssl.get_server_certificate(board.service.address))
    import hashlib

    assert hashlib.sha256(der).hexdigest().upper() == made.fingerprint.replace(":", "")


def test_the_token_is_kept_as_a_hash(tmp_path: Path) -> None:
    file = TokenFile(tmp_path)
    assert not file.wanted() and file.opens("anything")
    token = file.make()
    path = tmp_path / "server" / "token.json"
    assert token not in path.read_text() and path.stat().st_mode & 0o777 == 0o600
    assert file.opens(token) and not file.opens(token + "x") and not file.opens("\ud800")
    cookie = file.cookie(now=1000.0)
    assert file.accepts(cookie, now=1001.0)
    assert not file.accepts(cookie, now=1001.0 + COOKIE_S)
    for wrong in ("", ".", "9" * 40 + ".x", "9999999999.", "٣.x", cookie[:-1] + "é"):
        assert not file.accepts(wrong, now=1001.0)
    path.write_text("{")
    assert TokenFile(tmp_path).wanted() and not TokenFile(tmp_path).opens(token)
    assert file.remove() and not file.remove()


def test_a_head_that_never_ends_is_hung_up_on(board: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgebot.server.http.service.HEAD_S", 0.3)
    with socket.create_connection(board.service.address, timeout=30) as slow:
        slow.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nX-Slow: ")
        assert slow.recv(100) == b""
    with socket.create_connection(board.service.address, timeout=30) as silent:
        assert silent.recv(100) == b""


def test_a_body_that_never_ends_is_refused(board: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edgebot.server.http.body.SLOW_S", 0.3)
    with socket.create_connection(board.service.address, timeout=30) as slow:
        slow.sendall(
            b"POST /api/ask HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"
            b"Content-Length: 100\r\n\r\n{"
        )
        assert b"408" in slow.recv(100)


@pytest.mark.parametrize(
    "request_",
    [b"\x00\xff\xfe\r\n\r\n", b"GET\r\n\r\n", b"GET / HTTP/9.9\r\n\r\n", b"A" * 100_000,
     b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
     b"POST /api/ask HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
     b"POST /api/ask HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -1\r\n\r\n",
     b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 10_000 + b"\r\n"],
)  # fmt: skip
def test_broken_requests_break_nothing(board: Any, http: httpx.Client, request_: bytes) -> None:
    with socket.create_connection(board.service.address, timeout=30) as connection:
        connection.sendall(request_)
        connection.shutdown(socket.SHUT_WR)
        answer = connection.recv(1000)
    assert not answer or answer.split()[1][:1] == b"4"
    assert http.get("/healthz").status_code == 200
