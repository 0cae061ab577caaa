"""The WebSocket: what it tells, what it takes, and what it makes of nonsense."""

from __future__ import annotations

import json
import os
import socket
import time
from collections.abc import Iterator
from typing import Any

import pytest
import websockets
import websockets.sync.client

from edgebot.runtime.live import bus as events

PATIENCE_S = 60


class Peer:
    """A client that waits for what it wants to hear."""

    def __init__(self, socket_: Any) -> None:
        self.socket = socket_

    def send(self, **order: Any) -> None:
        self.socket.send(json.dumps(order))

    def until(self, kind: str) -> dict[str, Any]:
        end = time.monotonic() + PATIENCE_S
        while time.monotonic() < end:
            got = self.socket.recv(timeout=PATIENCE_S)
            if isinstance(got, bytes):
                if kind == "sound":
                    return {"type": "sound", "content": got}
                continue
            message: dict[str, Any] = json.loads(got)
            if message["type"] == kind:
                return message
        raise AssertionError(f"no {kind!r} came")


@pytest.fixture
def peer(board: Any) -> Iterator[Peer]:
    with websockets.sync.client.connect(f"{board.events}?session=mine") as socket_:
        found = Peer(socket_)
        assert found.until("hello")["session"] == "mine"
        yield found


def test_a_question_is_answered_word_by_word(peer: Peer) -> None:
    peer.send(type="ask", text="what is two plus three", spoken=True)
    assert peer.until("final")["text"] == "what is two plus three"
    sentence = peer.until("sentence")
    assert "five" in sentence["text"].lower()
    answer = peer.until("answer")
    assert answer["turn"] == sentence["turn"] and answer["reply"] == sentence["text"]
    assert peer.until("sound")["content"][:4] == b"RIFF"


def test_speech_is_answered(peer: Peer) -> None:
    peer.send(type="speech", rate_hz=16_000)
    for _ in range(10):
        peer.socket.send(bytes(3200))
    peer.send(type="speech_end")
    assert peer.until("answer")["transcript"] == "what is two plus three"


def test_what_others_type_is_not_told_and_what_the_voice_says_is(board: Any, peer: Peer) -> None:
    with board.client() as http:
        http.post("/api/ask", json={"text": "what is two plus three", "session": "other"})
        http.post("/api/timers", json={"seconds": 100})
    assert peer.until("changed")["what"] == "timers"
    board.bus.publish(events.PartialText("local", "what ti"))
    seen = peer.until("partial")
    assert seen["text"] == "what ti" and seen["by"] == "voice"


def test_levels_are_measured_only_when_somebody_looks(board: Any, peer: Peer) -> None:
    assert not board.bus.wanted(events.Level)
    peer.send(type="levels", on=True)
    peer.send(type="speech_end")
    peer.until("error")
    assert board.bus.wanted(events.Level)
    board.bus.publish(events.Level(-20.0))
    assert peer.until("level")["db"] == -20.0
    peer.send(type="levels", on=False)
    peer.send(type="speech_end")
    peer.until("error")
    assert not board.bus.wanted(events.Level)


@pytest.mark.parametrize(
    "message",
    ["", "null", "[]", "{", "\x00", '{"type": "fly"}', '{"type": "ask"}',
     '{"type": "ask", "text": 1}',
     '{"type": "volume", "percent": 101}', '{"type": "listen"}', '{"type": "speech_end"}',
     '{"type": "say", "text": "hello"}', '{"type": "ask", "text": "x", "session": "../"}',
     "[" * 50_000, b"", b"\x01", os.urandom(1000)],
)  # fmt: skip
def test_nonsense_is_told_and_forgiven(peer: Peer, message: str | bytes) -> None:
    peer.socket.send(message)
    assert peer.until("error")["error"]["message"]
    peer.send(type="ask", text="what is two plus three")
    assert "five" in peer.until("answer")["reply"].lower()


def test_too_much_speech_is_refused(board: Any, peer: Peer) -> None:
    peer.send(type="speech", rate_hz=8000)
    for _ in range(40):
        peer.socket.send(bytes(100_000))
    assert peer.until("error")["error"]["code"] == "too_large"


def test_a_message_too_large_ends_the_connection(board: Any, peer: Peer) -> None:
    peer.socket.send("x" * 1_200_000)
    with pytest.raises(websockets.ConnectionClosed):
        while True:
            peer.socket.recv(timeout=PATIENCE_S)
    assert board.client().get("/healthz").status_code == 200


@pytest.mark.parametrize(
    "frame",
    [b"\xff" * 20, b"\x81\x05hello", b"\xf1\x80\0\0\0\0", b"\x83\x80\0\0\0\0", b"\x89\xfe\xff\xff",
     b"\x81\xff" + b"\xff" * 12, b"\x81\x82\0\0\0\0\xff\xfe", b"\x80\x80\0\0\0\0"],
)  # fmt: skip
def test_malformed_frames_end_the_connection_only(board: Any, frame: bytes) -> None:
    host, port = board.service.address
    with socket.create_connection((host, port), timeout=30) as connection:
        connection.sendall(
            f"GET /api/events HTTP/1.1\r\nHost: {host}:{port}\r\nConnection: Upgrade\r\n"
            "Upgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n".encode()
        )
        assert b"101" in connection.recv(2000)
        connection.sendall(frame)
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(4000):
            pass
    with board.client() as http:
        assert http.get("/healthz").status_code == 200


def test_whoever_does_not_read_loses_old_events_and_costs_nothing(board: Any) -> None:
    with websockets.sync.client.connect(f"{board.events}?session=slow") as socket_:
        assert "hello" in str(socket_.recv(timeout=PATIENCE_S))
        for number in range(5000):
            board.bus.publish(events.PartialText("local", f"{number} " + "x" * 500))
        with board.client() as http:
            assert http.get("/healthz").status_code == 200


def test_connections_are_counted(open_board: Any) -> None:
    board = open_board(sockets=2)
    kept = [websockets.sync.client.connect(board.events) for _ in range(2)]
    for one in kept:
        one.recv(timeout=PATIENCE_S)
    with pytest.raises(websockets.InvalidStatus):
        websockets.sync.client.connect(board.events)
    kept.pop().close()
    end = time.monotonic() + PATIENCE_S
    while time.monotonic() < end:
        try:
            kept.append(websockets.sync.client.connect(board.events))
            break
        except websockets.InvalidStatus:
            continue
    assert len(kept) == 2
    for one in kept:
        one.close()
