"""A Wyoming peer made of the real client library, for tests."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from typing import TypeVar

import numpy as np
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.client import AsyncTcpClient
from wyoming.event import Event

from edgebot.core.audio import RATE_HZ, Samples

PATIENCE_S = 120.0
CHUNK = 1024

T = TypeVar("T")


def run(work: Callable[[], Awaitable[T]]) -> T:
    """Run ``work`` on an event loop of its own, for so long at most."""

    async def bounded() -> T:
        return await asyncio.wait_for(work(), PATIENCE_S)

    return asyncio.run(bounded())


def client(port: int) -> AsyncTcpClient:
    return AsyncTcpClient("127.0.0.1", port, read_timeout=PATIENCE_S)


async def expect(peer: AsyncTcpClient, *kinds: str) -> Event:
    """The next event of one of ``kinds``; others are passed over."""
    while True:
        event = await peer.read_event()
        assert event is not None, f"the connection ended while waiting for {kinds}"
        if event.type in kinds:
            return event


async def send_sound(
    peer: AsyncTcpClient, samples: Samples, *, around: bool = True, rate_hz: int = RATE_HZ
) -> None:
    """Send ``samples`` in chunks, between audio-start and audio-stop."""
    if around:
        await peer.write_event(AudioStart(rate_hz, 2, 1).event())
    for chunk in chunks(samples, rate_hz):
        await peer.write_event(chunk.event())
    if around:
        await peer.write_event(AudioStop().event())


def chunks(samples: Samples, rate_hz: int = RATE_HZ) -> Iterable[AudioChunk]:
    for start in range(0, len(samples), CHUNK):
        yield AudioChunk(rate_hz, 2, 1, samples[start : start + CHUNK].tobytes())


async def hear_sound(peer: AsyncTcpClient) -> tuple[Samples, int]:
    """The sound from audio-start to audio-stop, and its rate."""
    start = AudioStart.from_event(await expect(peer, "audio-start"))
    pieces: list[Samples] = []
    while (event := await expect(peer, "audio-chunk", "audio-stop")).type == "audio-chunk":
        pieces.append(np.frombuffer(AudioChunk.from_event(event).audio, np.int16))
    return np.concatenate(pieces) if pieces else np.zeros(0, np.int16), start.rate
