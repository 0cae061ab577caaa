"""The control socket: its orders, who may give them, and nonsense."""

from __future__ import annotations

import json
import os
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgebot.config.settings import Settings
from edgebot.core.errors import EdgebotError, UsageError
from edgebot.server.control import service as control
from edgebot.server.control.address import reachable, socket_file
from edgebot.server.control.client import send
from edgebot.server.control.service import ControlService
from tests.unit.server_protocols.house import (
    NotedDaemon,
    house_of,
    served,
    settings_with,
    wait_for,
)


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    return settings_with(tmp_path / "state")


@pytest.fixture
def daemon(settings: Settings) -> Iterator[NotedDaemon]:
    """An assistant that listens at its control socket."""
    noted = NotedDaemon()
    with house_of(settings, noted) as house, served(house, ControlService(settings)):
        wait_for(lambda: _answers(settings))
        yield noted


def _answers(settings: Settings) -> bool:
    try:
        send(settings.state_dir, "status")
    except UsageError:
        return False
    return True


def raw(settings: Settings, data: bytes) -> list[dict[str, object]]:
    """What comes back for ``data``, line by line."""
    with (
        socket.socket(socket.AF_UNIX) as connection,
        reachable(socket_file(settings.state_dir)) as name,
    ):
        connection.settimeout(30)
        connection.connect(name)
        connection.sendall(data)
        connection.shutdown(socket.SHUT_WR)
        received = b""
        while piece := connection.recv(65_536):
            received += piece
    return [json.loads(line) for line in received.splitlines()]


def test_orders_reach_the_daemon(settings: Settings, daemon: NotedDaemon) -> None:
    send(settings.state_dir, "say", text="  dinner\nis ready ")
    send(settings.state_dir, "listen")
    send(settings.state_dir, "stop")
    assert daemon.told == [("say", "dinner is ready"), ("order", "listen"), ("hush", None)]


def test_status_tells_state_volume_and_mutes(settings: Settings, daemon: NotedDaemon) -> None:
    before = send(settings.state_dir, "status")
    assert (before["state"], before["microphone_muted"], before["listens"]) == (
        "asleep",
        False,
        True,
    )
    assert send(settings.state_dir, "mute")["microphone_muted"] is True
    assert send(settings.state_dir, "mute", what="speaker")["speaker_muted"] is True
    with pytest.raises(UsageError, match="the microphone is muted"):
        send(settings.state_dir, "listen")
    after = send(settings.state_dir, "status")
    assert after["microphone_muted"]
    assert after["speaker_muted"]
    send(settings.state_dir, "unmute")
    assert daemon.told == [("mute", True), ("mute", False)]


@pytest.mark.parametrize(
    ("order", "reason"),
    [
        ({"do": "dance"}, "unknown order"),
        ({"do": ["say"]}, "unknown order"),
        ({}, "unknown order"),
        (["say"], "a JSON object"),
        ("say", "a JSON object"),
        ({"do": "say"}, "needs a text"),
        ({"do": "say", "text": 5}, "needs a text"),
        ({"do": "say", "text": "\x00\x07 "}, "nothing to say"),
        ({"do": "mute", "what": "everything"}, "'microphone' or 'speaker'"),
    ],
)
def test_a_wrong_order_is_refused_with_its_reason(
    settings: Settings, daemon: NotedDaemon, order: object, reason: str
) -> None:
    (answer,) = raw(settings, json.dumps(order).encode() + b"\n")
    assert answer["ok"] is False
    assert reason in str(answer["error"])
    assert daemon.told == []


@pytest.mark.parametrize(
    "data",
    [b"\n", b"\xff\xfe\n", b"{" * 50_000 + b"\n", b"x" * 300_000 + b"\n", b"[" * 60_000, b"\0\n"],
    ids=["empty", "binary", "nested", "huge", "no end", "zero"],
)
def test_nonsense_ends_nothing(settings: Settings, daemon: NotedDaemon, data: bytes) -> None:
    for answer in raw(settings, data):
        assert answer["ok"] is False
    assert send(settings.state_dir, "status")["state"] == "asleep"


def test_many_orders_on_one_line_each(settings: Settings, daemon: NotedDaemon) -> None:
    answers = raw(settings, b'{"do": "status"}\n' * 20)
    assert [answer["ok"] for answer in answers] == [True] * 20


def test_the_socket_is_for_its_own_user_alone(
    settings: Settings, daemon: NotedDaemon, monkeypatch: pytest.MonkeyPatch
) -> None:
    mode = socket_file(settings.state_dir).stat().st_mode
    assert stat.S_ISSOCK(mode)
    assert stat.S_IMODE(mode) == 0o600
    monkeypatch.setattr(control, "_user_of", lambda writer: os.geteuid() + 4711)
    with pytest.raises(UsageError, match="only its own user"):
        send(settings.state_dir, "status")


def test_without_an_assistant_it_says_how_to_start_one(settings: Settings) -> None:
    with pytest.raises(UsageError, match="edgebot run"):
        send(settings.state_dir, "status")


def test_a_socket_left_behind_by_a_killed_process_is_no_assistant(settings: Settings) -> None:
    file = socket_file(settings.state_dir)
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(file))
    with pytest.raises(UsageError, match="edgebot run"):
        send(settings.state_dir, "status")
    noted = NotedDaemon()
    with house_of(settings, noted) as house, served(house, ControlService(settings)):
        wait_for(lambda: _answers(settings))
    assert not file.exists(), "it is gone with the assistant"


def test_a_name_that_is_too_long_for_the_kernel(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    deep = tmp_path / ("a" * 100) / "b"
    deep.mkdir(parents=True)
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(deep))
    settings = settings_with(tmp_path / "state")
    with house_of(settings, NotedDaemon()) as house, served(house, ControlService(settings)):
        assert wait_for(lambda: _answers(settings))


def test_one_that_only_connects_does_not_block_the_end(settings: Settings) -> None:
    with house_of(settings, NotedDaemon()) as house:
        with served(house, ControlService(settings)):
            wait_for(lambda: _answers(settings))
            idle = socket.socket(socket.AF_UNIX)
            idle.settimeout(30)
            idle.connect(str(socket_file(settings.state_dir)))
            idle.sendall(b"{}\n")
            assert b"unknown order" in idle.recv(1000)
        assert idle.recv(10) == b""
        idle.close()


def test_an_assistant_that_does_not_answer_is_told_as_such(settings: Settings) -> None:
    file = socket_file(settings.state_dir)
    with socket.socket(socket.AF_UNIX) as mute:
        mute.bind(str(file))
        mute.listen()
        import threading

        def hang_up() -> None:
            connection, _ = mute.accept()
            connection.close()

        thread = threading.Thread(target=hang_up)
        thread.start()
        with pytest.raises(EdgebotError, match="journalctl"):
            send(settings.state_dir, "status")
        thread.join()
