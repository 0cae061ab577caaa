"""Webhooks against a real HTTP server: what is sent, signed, tried again, dropped."""

from __future__ import annotations

import contextlib
import hashlib
import hmac
import json
import logging
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from edgebot.config.settings import Settings
from edgebot.core.errors import ConfigError
from edgebot.runtime.live import bus as events
from edgebot.server import webhooks
from edgebot.server.webhooks import WebhookService
from tests.unit.server_protocols.house import house_of, served, settings_with, wait_for


class Receiver:
    """Takes what is posted, or refuses it a few times first."""

    def __init__(self) -> None:
        self.got: list[tuple[dict[str, str], bytes]] = []
        self.refuse = 0
        receiver = self

        class Door(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["Content-Length"]))
                if receiver.refuse:
                    receiver.refuse -= 1
                    self.send_error(503)
                    return
                receiver.got.append((dict(self.headers), body))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_: object) -> None:
                """Quiet."""

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,))
        self._thread.start()

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}/hook/s3cret?a=b"

    @property
    def messages(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.got]

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


@pytest.fixture
def receiver(monkeypatch: pytest.MonkeyPatch) -> Iterator[Receiver]:
    monkeypatch.setattr(webhooks, "_PAUSES_S", (0.05, 0.1))
    one = Receiver()
    yield one
    one.close()


def settings_for(tmp_path: Path, url: str, **more: Any) -> Settings:
    return settings_with(tmp_path / "state", webhooks=[{"url": url, **more}])


@contextlib.contextmanager
def telling(settings: Settings) -> Iterator[Any]:
    """A house whose webhooks listen; what is published goes to its bus."""
    with house_of(settings) as house, served(house, WebhookService(settings)):
        wait_for(lambda: len(house.relay))
        yield house.bus.publish


TURN = events.TurnEnded("t", "local", "voice", "llm", None, False, False, {"done": 5.0})


def test_what_happens_is_posted_without_words(tmp_path: Path, receiver: Receiver) -> None:
    with telling(settings_for(tmp_path, receiver.url, events=["turn", "woken"])) as tell:
        tell(events.FinalText("t", "local", "a secret"))
        tell(events.StateChanged("thinking"))
        tell(events.Woken("okay nabu", 0.9))
        tell(TURN)
        wait_for(lambda: len(receiver.got) == 2)
    woken, turn = receiver.messages
    assert (woken["event"], woken["word"]) == ("woken", "okay nabu")
    assert (turn["event"], turn["route"], turn["ms"]) == ("turn", "llm", {"done": 5.0})
    assert woken["id"] != turn["id"]
    assert b"secret" not in b"".join(body for _, body in receiver.got)


def test_words_are_posted_where_that_is_wanted(tmp_path: Path, receiver: Receiver) -> None:
    with telling(settings_for(tmp_path, receiver.url, words=True)) as tell:
        tell(events.FinalText("t", "local", "hello"))
        tell(events.ReplySentence("t", "local", "Good day."))
        tell(TURN)
        wait_for(lambda: receiver.got)
    assert receiver.messages[0]["said"] == "hello"
    assert receiver.messages[0]["answered"] == "Good day."


def test_messages_are_signed(tmp_path: Path, receiver: Receiver) -> None:
    secret = tmp_path / "secret"
    secret.write_text("xyzzy\n")
    with telling(settings_for(tmp_path, receiver.url, secret_file=secret)) as tell:
        tell(TURN)
        wait_for(lambda: receiver.got)
    headers, body = receiver.got[0]
    expected = hmac.new(b"xyzzy", body, hashlib.sha256).hexdigest()
    assert headers["X-Edgebot-Signature"] == f"sha256={expected}"


def test_a_refused_message_is_sent_again_and_the_next_one_follows(
    tmp_path: Path, receiver: Receiver
) -> None:
    receiver.refuse = 2
    with telling(settings_for(tmp_path, receiver.url, events=["woken"])) as tell:
        tell(events.Woken("one", 0.5))
        tell(events.Woken("two", 0.5))
        wait_for(lambda: len(receiver.got) == 2)
    assert [message["word"] for message in receiver.messages] == ["one", "two"]


def test_an_address_that_is_away_costs_nobody_anything(
    tmp_path: Path, receiver: Receiver, caplog: pytest.LogCaptureFixture
) -> None:
    away = {"url": "http://user:pass@127.0.0.1:9/s3cret", "events": ["woken"]}
    here = {"url": receiver.url, "events": ["woken"]}
    settings = settings_with(tmp_path / "state", webhooks=[away, here])
    caplog.set_level(logging.INFO)
    with telling(settings) as tell:
        for _ in range(50):
            tell(events.Woken("okay", 0.5))
        wait_for(lambda: len(receiver.got) == 50)
        wait_for(lambda: "is dropped" in caplog.text)
    assert "s3cret" not in caplog.text
    assert "pass" not in caplog.text


def test_wrong_settings_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="secret_file"):
        WebhookService(settings_for(tmp_path, "http://a.invalid/", secret_file=tmp_path / "gone"))
    with pytest.raises(ConfigError, match="port"):
        WebhookService(settings_for(tmp_path, "http://a.invalid:99999/"))
    for url in ("ftp://a.invalid/", "a.invalid", "http:///x"):
        with pytest.raises(ValueError, match="pattern"):
            settings_for(tmp_path, url)
