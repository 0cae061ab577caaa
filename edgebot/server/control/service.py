"""The control socket as a door of the rim: one JSON object a line, one line back."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import socket
import struct
from pathlib import Path
from typing import Any

from edgebot.config.settings import Settings
from edgebot.core.errors import EdgebotError
from edgebot.server.control.address import reachable, socket_file
from edgebot.server.control.orders import carry_out
from edgebot.server.control.spoken import turn
from edgebot.server.house import House

_LOG = logging.getLogger(__name__)

_LINE = 1024 * 1024
"""Longest order in bytes: a short recording fits in."""

_PATIENCE_S = 30.0
"""Who says nothing for so long is sent away."""

_AT_ONCE = 16


class ControlService:
    """Takes orders of the user the assistant runs as, and of root."""

    name = "control"

    def __init__(self, settings: Settings) -> None:
        self.file = socket_file(settings.state_dir)
        self._inside = 0

    async def serve(self, house: House, stop: asyncio.Event) -> None:
        """Serve until ``stop`` is set."""
        talks: set[asyncio.Task[None]] = set()

        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            talks.add(task)
            try:
                await self._talk(house, reader, writer)
            finally:
                talks.discard(task)

        listening = _bind(self.file)
        server = await asyncio.start_unix_server(talk, sock=listening, limit=_LINE)
        try:
            await stop.wait()
        finally:
            server.close()
            self.file.unlink(missing_ok=True)
            for task in talks:
                task.cancel()
            await asyncio.gather(*talks, return_exceptions=True)

    async def _talk(
        self, house: House, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._inside += 1
        try:
            user = _user_of(writer)
            if user not in (0, os.geteuid()):
                await _tell(writer, {"ok": False, "error": "only its own user may order it about"})
                return
            if self._inside > _AT_ONCE:
                await _tell(writer, {"ok": False, "error": "too many connections; try again"})
                return
            while line := await _line(reader):
                await _tell(writer, await _answer(house, line))
        except (ConnectionError, TimeoutError):
            pass  # whoever has gone needs no answer
        finally:
            self._inside -= 1
            writer.close()
            with contextlib.suppress(ConnectionError):
                await writer.wait_closed()


async def _line(reader: asyncio.StreamReader) -> bytes:
    try:
        return await asyncio.wait_for(reader.readline(), _PATIENCE_S)
    except ValueError:  # longer than the limit
        return b"\0"


async def _answer(house: House, line: bytes) -> dict[str, Any]:
    try:
        order = json.loads(line)
    except (ValueError, RecursionError):
        return {"ok": False, "error": "no JSON; send one object a line"}
    try:
        if isinstance(order, dict) and order.get("do") == "turn":
            return {"ok": True, **await turn(house, order)}
        return {"ok": True, **await house.look(lambda: carry_out(house, order))}
    except EdgebotError as problem:
        return {"ok": False, "error": str(problem)}


async def _tell(writer: asyncio.StreamWriter, answer: dict[str, Any]) -> None:
    writer.write(json.dumps(answer).encode() + b"\n")
    await writer.drain()


def _bind(file: Path) -> socket.socket:
    """A socket that nobody else could connect to at any moment: it listens only later."""
    file.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
    file.unlink(missing_ok=True)  # of a process that was killed; the instance's lock is ours
    listening = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with reachable(file) as name:
            listening.bind(name)
        file.chmod(0o600)
    except OSError:
        listening.close()
        raise
    return listening


def _user_of(writer: asyncio.StreamWriter) -> int:
    """Number of the user at the other end."""
    connection = writer.get_extra_info("socket")
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    _, user, _ = struct.unpack("3i", raw)
    return int(user)
