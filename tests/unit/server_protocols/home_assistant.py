"""A small Home Assistant: a real HTTP server that speaks the documented shapes of its REST API."""

from __future__ import annotations

import contextlib
import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any

import jinja2

TOKEN = "a-long-lived-token"

ENTITIES = {
    "light.kitchen": ("Kitchen Light", "Kitchen", "off"),
    "light.desk": ("Desk Lamp", "Office", "on"),
    "cover.blind": ("Bedroom Blind", "Bedroom", "open"),
    "climate.living": ("Thermostat", "Living Room", "heat"),
    "lock.door": ("Front Door", "Hallway", "locked"),
}


class SmallHomeAssistant:
    """Its entities, and what it was asked to do."""

    def __init__(self, server: ThreadingHTTPServer) -> None:
        self._server = server
        self.called: list[tuple[str, dict[str, Any]]] = []
        self.talks: list[dict[str, Any]] = []
        self.entities = dict(ENTITIES)
        self.administrator = True
        self.asked = 0
        self.broken: tuple[int, bytes] | None = None
        """Status and content of every answer, when set."""

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def answer(self, method: str, path: str, data: Any) -> tuple[int, Any]:
        if path == "/api/template":
            if not self.administrator:
                return 401, {"message": "Unauthorized"}
            return 200, self._render(data["template"])
        if path == "/api/states":
            return 200, [self._state(name) for name in self.entities]
        if path.startswith("/api/states/"):
            name = path.removeprefix("/api/states/")
            return (200, self._state(name)) if name in self.entities else (404, {"message": "no"})
        if path.startswith("/api/services/") and method == "POST":
            self.called.append((path.removeprefix("/api/services/"), data))
            return 200, []
        if path == "/api/conversation/process" and method == "POST":
            self.talks.append(data)
            return 200, {
                "response": {
                    "response_type": "action_done",
                    "language": data["language"],
                    "data": {"targets": [], "success": [], "failed": []},
                    "speech": {"plain": {"speech": f"You said {data['text']}", "extra_data": None}},
                },
                "conversation_id": "talk-1",
                "continue_conversation": False,
            }
        return 404, {"message": "Not found"}

    def _state(self, name: str) -> dict[str, Any]:
        friendly, _, state = self.entities[name]
        return {
            "entity_id": name,
            "state": state,
            "attributes": {"friendly_name": friendly},
            "last_changed": "2024-05-30T21:43:29.204838+00:00",
        }

    def _render(self, template: str) -> str:
        """As Home Assistant does it: Jinja with its states, its areas and its JSON."""
        world = jinja2.Environment()
        world.filters["to_json"] = json.dumps
        world.globals["area_name"] = lambda name: self.entities[name][1]
        world.globals["states"] = [
            SimpleNamespace(entity_id=name, domain=name.partition(".")[0], name=friendly)
            for name, (friendly, _, _) in self.entities.items()
        ]
        return world.from_string(template).render()


@contextlib.contextmanager
def small_home_assistant() -> Iterator[SmallHomeAssistant]:
    """One that listens, until the end of the block."""

    class Door(BaseHTTPRequestHandler):
        def _serve(self) -> None:
            size = int(self.headers.get("Content-Length") or 0)
            raw = self.rfile.read(size)
            home.asked += 1
            if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                status, content = 401, b'{"message": "Unauthorized"}'
            elif home.broken is not None:
                status, content = home.broken
            else:
                status, found = home.answer(
                    self.command, self.path, json.loads(raw) if raw else None
                )
                text = found if isinstance(found, str) else json.dumps(found)
                content = text.encode()
            self.send_response(status)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            with contextlib.suppress(ConnectionError):
                self.wfile.write(content)

        do_GET = do_POST = _serve

        def log_message(self, *_: object) -> None:
            """Quiet."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Door)
    home = SmallHomeAssistant(server)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield home
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
