"""Text to speech as Wyoming events."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from wyoming.audio import AudioStart, AudioStop
from wyoming.event import Event

from edgebot.core.cancel import Cancellation
from edgebot.dialogue.sentences import split
from edgebot.server.house import House, readable
from edgebot.server.wyoming.sound import chunk_of
from edgebot.server.wyoming.work import Work

Send = Callable[[Event], Awaitable[None]]


class Speaking:
    """One reply that goes out as sound, sentence by sentence."""

    def __init__(self, house: House, work: Work, send: Send) -> None:
        self._house = house
        self._work = work
        self._send = send
        self._begun = False
        self._rest = ""

    async def say(self, text: str) -> None:
        """Speak ``text``; ends early when the peer has gone or the task is cancelled."""
        cancellation = Cancellation()
        wanted = readable(text)
        voice = await self._work(self._house.tts)
        await self._begin(voice.rate_hz)
        if not wanted:
            return
        frames = iter(voice.synthesize(wanted, cancellation))
        try:
            while (frame := await self._work(lambda: next(frames, None))) is not None:
                await self._send(chunk_of(frame.samples, frame.rate_hz).event())
        finally:
            cancellation.cancel()

    async def piece(self, text: str) -> None:
        """Take a piece of a text that is still being written; whole sentences are spoken."""
        *whole, self._rest = split(self._rest + text) or [""]
        if text[-1:].isspace() and self._rest:
            self._rest += " "
        for sentence in whole:
            await self.say(sentence)

    async def end(self) -> None:
        """Speak what is left, and tell that this was all."""
        rest, self._rest = self._rest, ""
        if rest.strip():
            await self.say(rest)
        if not self._begun:
            await self._begin((await self._work(self._house.tts)).rate_hz)
        self._begun = False
        await self._send(AudioStop().event())

    async def _begin(self, rate_hz: int) -> None:
        if not self._begun:
            self._begun = True
            await self._send(AudioStart(rate=rate_hz, width=2, channels=1).event())
