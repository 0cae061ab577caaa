"""What the doors see of the assistant, and how they have turns done."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from edgebot.config.settings import Settings
from edgebot.core.audio import AudioFrame, Samples
from edgebot.core.cancel import Cancellation
from edgebot.core.dialogue import Dialogue
from edgebot.core.errors import Cancelled, UsageError
from edgebot.core.speech import TextToSpeech
from edgebot.runtime.live.bus import Bus, State
from edgebot.runtime.live.daemon import Daemon
from edgebot.runtime.live.telling import Teller
from edgebot.runtime.turns import TurnReport
from edgebot.runtime.wiring import Assembly
from edgebot.server.exchange import Exchange
from edgebot.server.places import Busy, Places
from edgebot.server.relay import Listener, Relay
from edgebot.server.room import MAX_CHARACTERS, NoMicrophone, Room, readable

__all__ = ["MAX_CHARACTERS", "Answer", "Busy", "House", "NoMicrophone", "readable"]

_SESSION = re.compile(r"[A-Za-z0-9_.:-]{1,64}")

T = TypeVar("T")


@dataclass(slots=True)
class Answer:
    """What a turn of a door came to."""

    turn: str
    session: str
    report: TurnReport
    ms: dict[str, float] = field(default_factory=dict)
    """Marks since the end of speech, in milliseconds."""

    audio: Samples | None = None
    """The spoken reply, shape (n,), where it was asked for."""

    rate_hz: int = 0

    @property
    def reply(self) -> str:
        """The whole reply."""
        return self.report.reply


class House(Room):
    """One assistant behind all doors.

    Coroutines belong to the rim's loop; everything else may be called from any thread and may
    look into a database, so coroutines call it through :meth:`look`.
    """

    def __init__(
        self,
        assembly: Assembly,
        bus: Bus,
        daemon: Daemon | None = None,
        teller: Teller | None = None,
        config_file: Path | None = None,
    ) -> None:
        """``daemon``: None where there is no microphone (`edgebot serve`)."""
        self.assembly = assembly
        self.bus = bus
        self.daemon = daemon
        self.teller = teller
        self.config_file = config_file
        self.on_reload: Callable[[], None] = lambda: None
        """Reads the settings again where there is no daemon."""

        self.writing = threading.Lock()
        """Held while uploaded documents or the settings file change: one at a time."""

        wanted = assembly.settings.server
        self.places = Places(wanted.turns_at_once, wanted.turns_waiting, teller)
        self.relay = Relay(bus)

    # --- life, called by the rim

    def open(self) -> None:
        """The loop runs."""
        self.relay.start()

    def cancel_turns(self) -> None:
        """The rim ends: nobody waits for answers any more."""
        self.relay.close()
        self.places.cancel()

    def close(self) -> None:
        """The loop has ended."""
        self.places.close()

    # --- what it is made of

    @property
    def settings(self) -> Settings:
        """The settings in force."""
        return self.assembly.settings

    def dialogue(self) -> Dialogue:
        """The dialogue of all sessions."""
        return self.assembly.dialogue()

    def ready(self) -> bool:
        """Whether turns find their engines loaded."""
        return all(map(self.assembly.opened, ("stt", "tts", "dialogue")))

    def calls_tools(self) -> bool:
        """Whether the language model may carry something out while it answers."""
        return self.assembly.plan.has("llm") and self.assembly.talker().can_call

    def tts(self) -> TextToSpeech:
        """The voice; the daemon's own, which keeps its phrases."""
        return self.assembly.tts() if self.daemon is None else self.daemon.parts.tts

    def last_turns(self) -> list[dict[str, Any]]:
        """The turns of this process with their words, oldest first."""
        last: Callable[[], list[dict[str, Any]]] = getattr(self.dialogue(), "last_turns", list)
        return last()

    def forget_turns(self) -> None:
        """Remove them, and what other processes noted."""
        forget: Callable[[], None] = getattr(self.dialogue(), "forget_turns", lambda: None)
        forget()

    @property
    def state(self) -> State:
        """What the voice side does now."""
        return "asleep" if self.teller is None else self.teller.state

    def listen_to(self, *kinds: type, capacity: int = 256) -> Listener:
        """Events, for ``async for``; close it when done."""
        return self.relay.listen(*kinds, capacity=capacity)

    async def look(self, work: Callable[[], T]) -> T:
        """Do ``work`` (a look into a database, say) off the event loop."""
        return await self.places.look(work)

    # --- turns

    async def ask(
        self,
        text: str,
        session: str,
        *,
        by: str,
        on_sentence: Callable[[str], None] = lambda text: None,
        spoken: bool = False,
    ) -> Answer:
        """One typed exchange of ``session``; ``on_sentence`` is called on the loop.

        ``spoken``: the answer holds the reply as sound. Cancelling the coroutine cancels the turn.
        Raises :class:`Busy` when too many wait, and what the engines raise.
        """
        asked = readable(text)
        if not asked:
            raise UsageError("there is nothing to answer; send some words")
        exchange = Exchange(self, session_of(session), by, self.on_loop(on_sentence), spoken)
        return await self.places.turn(lambda: exchange.typed(asked), exchange.cancellation)

    async def hear(
        self,
        samples: Samples,
        session: str,
        *,
        by: str,
        on_sentence: Callable[[str], None] = lambda text: None,
        on_heard: Callable[[str], None] = lambda text: None,
        spoken: bool = False,
    ) -> Answer:
        """The same for a recording, 16 kHz; ``on_heard`` is told what was understood."""
        exchange = Exchange(self, session_of(session), by, self.on_loop(on_sentence), spoken)
        exchange.on_heard = self.on_loop(on_heard)
        return await self.places.turn(lambda: exchange.heard(samples), exchange.cancellation)

    async def speech(self, text: str) -> tuple[Samples, int]:
        """``text`` as sound, and its rate."""
        cancellation = Cancellation()
        wanted = readable(text)

        def work() -> tuple[Samples, int]:
            voice = self.tts()
            frames = [frame.samples for frame in voice.synthesize(wanted, cancellation)]
            cancellation.raise_if_set()
            return np.concatenate(frames) if frames else np.zeros(0, np.int16), voice.rate_hz

        return await self.places.turn(work, cancellation)

    async def transcribe(self, samples: Samples) -> str:
        """The words of a recording, 16 kHz, as free dictation."""
        cancellation = Cancellation()

        def work() -> str:
            stream = self.assembly.stt().stream()
            for start in range(0, len(samples), 8000):
                cancellation.raise_if_set()
                stream.accept(AudioFrame(samples[start : start + 8000], start=start))
            return stream.finish().text

        return await self.places.turn(work, cancellation)

    def on_loop(self, call: Callable[[str], None]) -> Callable[[str], None]:
        """``call``, to be called from a turn's thread and carried out on the running loop."""
        loop = asyncio.get_running_loop()
        return lambda text: None if loop.is_closed() else _later(loop, call, text)


def _later(loop: asyncio.AbstractEventLoop, call: Callable[[str], None], text: str) -> None:
    try:
        loop.call_soon_threadsafe(call, text)
    except RuntimeError:  # the loop has ended in between
        raise Cancelled("nobody listens any more") from None


def session_of(name: str) -> str:
    """``name`` if it may name a conversation; raises ``UsageError``."""
    if not _SESSION.fullmatch(name):
        raise UsageError("a session is named by 1 to 64 letters, digits, '_', '.', ':' or '-'")
    return name
