"""Wyoming events from a peer that may send anything.

The library's own reader waits for as many bytes as a header promises and trusts its shape; here
both have bounds.
"""

from __future__ import annotations

import asyncio
import json
from typing import Any

from wyoming.event import Event

from edgebot.core.errors import EdgebotError

HEADER = 64 * 1024
"""Longest header line in bytes; also the limit to give the stream reader."""

_DATA = 256 * 1024
_PAYLOAD = 1024 * 1024
"""Bytes of one event: half a minute of sound at 16 kHz."""

BODY_S = 30.0
"""Seconds within which the rest of an event has to follow its header."""


class BadStream(EdgebotError):
    """A peer sent what is no Wyoming event; nothing after it can be understood."""


async def read_event(reader: asyncio.StreamReader, patience_s: float | None = None) -> Event | None:
    """The next event; None at the end of the stream.

    Raises :class:`BadStream`, and ``TimeoutError`` when nothing comes for ``patience_s`` seconds.
    """
    try:
        line = await asyncio.wait_for(reader.readline(), patience_s)
    except ValueError:
        raise BadStream(f"a header of more than {HEADER} bytes") from None
    if not line:
        return None
    header = _object(line, "header")
    kind = header.get("type")
    if not isinstance(kind, str):
        raise BadStream("a header without a type")
    data = header.get("data")
    data = dict(data) if isinstance(data, dict) else {}
    if size := _size(header, "data_length", _DATA):
        data.update(_object(await _exactly(reader, size), "data"))
    size = _size(header, "payload_length", _PAYLOAD)
    payload = await _exactly(reader, size) if size else None
    return Event(kind, data, payload)


def _object(raw: bytes, what: str) -> dict[str, Any]:
    try:
        value = json.loads(raw)
    except (ValueError, RecursionError):
        raise BadStream(f"{what} is no JSON") from None
    if not isinstance(value, dict):
        raise BadStream(f"{what} is no JSON object")
    return value


def _size(header: dict[str, Any], name: str, most: int) -> int:
    size = header.get(name) or 0
    if not isinstance(size, int) or isinstance(size, bool) or size < 0 or size > most:
        raise BadStream(f"{name} is no number from 0 to {most}")
    return size


async def _exactly(reader: asyncio.StreamReader, size: int) -> bytes:
    try:
        return await asyncio.wait_for(reader.readexactly(size), BODY_S)
    except asyncio.IncompleteReadError:
        raise BadStream("the stream ended within an event") from None
