"""Wyoming events out of any bytes, and sound out of any chunks."""

from __future__ import annotations

import asyncio
import json
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from wyoming.event import Event, async_write_event

from edgebot.core.errors import AudioError
from edgebot.server.wyoming import stream
from edgebot.server.wyoming.sound import ChunkReader, chunk_of
from edgebot.server.wyoming.stream import HEADER, BadStream, read_event

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner),
    max_leaves=8,
)
HEADERS = st.dictionaries(
    st.sampled_from(["type", "data", "data_length", "payload_length", "version", "x"]), JSON
)


def read_all(data: bytes) -> list[Event]:
    """Every event in ``data``, until its end or nonsense."""

    async def read() -> list[Event]:
        reader = asyncio.StreamReader(limit=HEADER)
        reader.feed_data(data)
        reader.feed_eof()
        found: list[Event] = []
        try:
            while (event := await read_event(reader)) is not None:
                found.append(event)
        except BadStream:
            pass
        return found

    return asyncio.run(read())


@settings(max_examples=150, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_are_events_or_a_bad_stream(data: bytes) -> None:
    assert read_all(data) == []


@settings(max_examples=150, deadline=None)
@given(HEADERS, st.binary(max_size=100))
def test_any_header_is_an_event_or_a_bad_stream(header: dict[str, Any], rest: bytes) -> None:
    for event in read_all(json.dumps(header).encode() + b"\n" + rest):
        assert isinstance(event.type, str)
        assert isinstance(event.data, dict)
        assert event.payload is None or len(event.payload) <= len(rest)


@settings(max_examples=100, deadline=None)
@given(
    st.text(min_size=1, max_size=20),
    st.dictionaries(st.text(max_size=8), JSON, max_size=4),
    st.binary(max_size=200),
)
def test_what_the_library_writes_is_read_as_it_was(
    kind: str, data: dict[str, Any], payload: bytes
) -> None:
    class Writer:
        def __init__(self) -> None:
            self.written = b""

        def write(self, piece: bytes) -> None:
            self.written += piece

        def writelines(self, pieces: tuple[bytes, ...]) -> None:
            self.written += b"".join(pieces)

        async def drain(self) -> None: ...

    writer = Writer()
    event = Event(kind, data, payload or None)
    asyncio.run(async_write_event(event, writer))  # type: ignore[arg-type]
    assert read_all(writer.written * 2) == [event, event]


def test_a_body_that_does_not_come_is_not_waited_for_for_ever(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(stream, "BODY_S", 0.01)

    async def read() -> None:
        reader = asyncio.StreamReader(limit=HEADER)
        reader.feed_data(b'{"type": "audio-chunk", "payload_length": 10}\n12345')
        await read_event(reader)

    with pytest.raises(TimeoutError):
        asyncio.run(read())


@settings(max_examples=200, deadline=None)
@given(
    st.fixed_dictionaries(
        {},
        optional={
            "rate": st.sampled_from([8000, 16_000, 44_100, 48_000, 0, -1, 10**12, True, "x"]),
            "width": st.sampled_from([1, 2, 4, 3, 0, -2, None, 2.0]),
            "channels": st.sampled_from([1, 2, 8, 0, 9, -1, "1"]),
        },
    ),
    st.none() | st.binary(max_size=500),
)
def test_any_chunk_is_sound_or_an_error(data: dict[str, Any], payload: bytes | None) -> None:
    try:
        samples = ChunkReader().samples(data, payload)
    except AudioError:
        return
    assert samples.dtype == np.int16
    assert samples.ndim == 1


@pytest.mark.parametrize("width", [1, 2, 4])
@pytest.mark.parametrize("channels", [1, 2])
def test_every_width_and_number_of_channels_is_the_same_sound(width: int, channels: int) -> None:
    tone = (8000 * np.sin(np.arange(1600) / 5)).astype(np.int16)
    wide = {1: (tone // 256 + 128).astype("u1"), 2: tone, 4: tone.astype("<i4") * 65_536}[width]
    raw = np.repeat(wide, channels).tobytes()
    read = ChunkReader().samples({"rate": 16_000, "width": width, "channels": channels}, raw)
    assert np.abs(read.astype(int) - tone).max() <= (256 if width == 1 else 1)
    assert chunk_of(tone, 16_000).audio == tone.tobytes()
