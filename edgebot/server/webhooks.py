"""Webhooks: addresses that are told what happens, as JSON with POST. Nobody waits for them."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import http.client
import json
import logging
import ssl
import time
import uuid
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from typing import Any
from urllib.parse import urlsplit

from edgebot.config.sections.telling import HookEvent, Webhook
from edgebot.config.settings import Settings
from edgebot.core.errors import ConfigError
from edgebot.runtime.live import bus as events
from edgebot.server.house import House
from edgebot.server.relay import Listener
from edgebot.server.secrets import read_secret

_LOG = logging.getLogger(__name__)

_KINDS: Mapping[HookEvent, type] = {
    "state": events.StateChanged,
    "woken": events.Woken,
    "turn": events.TurnEnded,
    "barge_in": events.BargedIn,
    "trouble": events.Trouble,
    "muted": events.Muted,
    "changed": events.Changed,
}
_NAMES = {kind: name for name, kind in _KINDS.items()}

_PATIENCE_S = 5.0
_PAUSES_S = (1.0, 5.0, 30.0)
"""After a failure it is tried again so often."""

_WAITING = 100
_WORDS = 32


class WebhookService:
    """Keeps a line of messages for every address; the oldest make room when it is slow."""

    name = "webhooks"

    def __init__(self, settings: Settings) -> None:
        """Raises ``ConfigError`` when an address or a secret cannot be used."""
        self._hooks = [_Hook(one) for one in settings.webhooks]

    async def serve(self, house: House, stop: asyncio.Event) -> None:
        """Serve until ``stop`` is set."""
        threads = ThreadPoolExecutor(max(2, len(self._hooks)), "webhook")
        tasks = []
        listeners = []
        for hook in self._hooks:
            listener = house.listen_to(*hook.kinds, capacity=_WAITING)
            listeners.append(listener)
            tasks.append(asyncio.create_task(_keep_telling(hook, listener, threads)))
        try:
            await stop.wait()
        finally:
            for listener in listeners:
                listener.close()
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            threads.shutdown(wait=False, cancel_futures=True)


class _Hook:
    """One address, and what it is told."""

    def __init__(self, wanted: Webhook) -> None:
        address = urlsplit(wanted.url)
        try:
            self._host, self._port = address.hostname or "", address.port
        except ValueError:
            raise ConfigError(f"webhooks: {wanted.url} has no valid port") from None
        self.shown = f"{address.scheme}://{address.netloc.rpartition('@')[2]}"
        """For the log: paths of webhooks are secrets."""

        self._path = (address.path or "/") + (f"?{address.query}" if address.query else "")
        self._tls = ssl.create_default_context() if address.scheme == "https" else None
        self._secret = None
        if wanted.secret_file is not None:
            self._secret = read_secret(wanted.secret_file, "webhooks.secret_file").encode()
        self.words = wanted.words
        self.kinds: tuple[type, ...] = tuple(_KINDS[name] for name in wanted.events)
        if wanted.words:
            self.kinds += (events.FinalText, events.ReplySentence)

    def post(self, message: Mapping[str, Any]) -> str:
        """Send ``message``; why it was not taken, empty when it was."""
        body = json.dumps(message).encode()
        headers = {"Content-Type": "application/json", "User-Agent": "edgebot"}
        if self._secret is not None:
            signature = hmac.new(self._secret, body, hashlib.sha256).hexdigest()
            headers["X-Edgebot-Signature"] = f"sha256={signature}"
        connection: http.client.HTTPConnection
        if self._tls is None:
            connection = http.client.HTTPConnection(self._host, self._port, timeout=_PATIENCE_S)
        else:
            connection = http.client.HTTPSConnection(
                self._host, self._port, timeout=_PATIENCE_S, context=self._tls
            )
        try:
            connection.request("POST", self._path, body, headers)
            status = connection.getresponse().status
        except (OSError, http.client.HTTPException) as problem:
            return str(problem) or type(problem).__name__
        finally:
            connection.close()
        return "" if status < 300 else f"status {status}"


async def _keep_telling(hook: _Hook, listener: Listener, threads: ThreadPoolExecutor) -> None:
    loop, said = asyncio.get_running_loop(), dict[str, list[str]]()
    async for event in listener:
        if isinstance(event, events.FinalText | events.ReplySentence):
            said.setdefault(event.turn, []).append(event.text)
            while len(said) > _WORDS:
                said.pop(next(iter(said)))
            continue
        message = message_of(event, said)
        for pause_s in (*_PAUSES_S, None):
            problem = await loop.run_in_executor(threads, hook.post, message)
            if not problem:
                break
            if pause_s is None:
                _LOG.warning("webhook %s: %s; the message is dropped", hook.shown, problem)
                break
            _LOG.info("webhook %s: %s; again in %.0f s", hook.shown, problem, pause_s)
            await asyncio.sleep(pause_s)


def message_of(event: events.Event, said: dict[str, list[str]]) -> dict[str, Any]:
    """What is sent about ``event``."""
    told = {
        name: dict(value) if isinstance(value, Mapping) else value
        for name, value in events.fields_of(event).items()
    }
    if isinstance(event, events.TurnEnded) and (words := said.pop(event.turn, None)):
        told |= {"said": words[0], "answered": " ".join(words[1:])}
    return {
        "id": uuid.uuid4().hex,
        "event": _NAMES[type(event)],
        "at": round(time.time(), 3),
        **told,
    }
