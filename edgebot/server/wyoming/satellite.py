"""This board as the satellite of a Home Assistant (or of another edgebot): the wake word is heard
here, what follows is streamed to the hub, and its spoken answer is played."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import Callable

from wyoming.audio import AudioStop
from wyoming.event import Event, async_write_event
from wyoming.info import Attribution, Info, Satellite
from wyoming.ping import Pong
from wyoming.pipeline import PipelineStage, RunPipeline
from wyoming.snd import Played
from wyoming.wake import Detection

from edgebot import __version__
from edgebot.config.sections.wyoming import WyomingSettings
from edgebot.core.audio import RATE_HZ, AudioFrame, Samples, Sound
from edgebot.core.errors import AudioError
from edgebot.core.listening import WakeWord
from edgebot.core.network import is_loopback
from edgebot.server.wyoming.announce import announced
from edgebot.server.wyoming.gate import Gate
from edgebot.server.wyoming.offer import wake_name
from edgebot.server.wyoming.satellite_sound import Ears, Mouth
from edgebot.server.wyoming.sound import ChunkReader, chunk_of
from edgebot.server.wyoming.stream import HEADER, BadStream, read_event

_LOG = logging.getLogger(__name__)

_WAITING = 256
"""Events that may wait for the hub: some ten seconds of sound; then the oldest are dropped."""

_SILENT_S = 120.0
_SLOW_S = 10.0
_JOIN_S = 3.0


class SatelliteDoor:
    """Listens for the hub; the one that asked last is served."""

    def __init__(self, wanted: WyomingSettings, sound: Sound, wake: WakeWord | None) -> None:
        """Raises ``ConfigError`` when the door may not be opened like that."""
        self._wanted = wanted
        self._gate = Gate(wanted.host, wanted.allow)
        self._sound = sound
        self._wake = wake
        self._loop: asyncio.AbstractEventLoop | None = None
        self._hub: _Hub | None = None
        self._talks: set[asyncio.Task[None]] = set()
        self.ears = Ears(sound, wake, self._on_wake, self._on_sound, self._on_end)
        self.mouth = Mouth(sound.speaker, lambda: self._tell(Played().event()))
        self.port: int | None = None
        """The TCP port, once it listens."""

    @property
    def connected(self) -> bool:
        """Whether a hub is there and wants to hear."""
        return self._hub is not None and self._hub.running

    async def serve(self, stop: asyncio.Event) -> None:
        """Serve until ``stop`` is set, or the microphone has come to its end."""
        self._loop = asyncio.get_running_loop()
        server = await asyncio.start_server(
            self._talk, self._wanted.host, self._wanted.satellite_port, limit=HEADER
        )
        self.port = server.sockets[0].getsockname()[1]

        def hear() -> None:
            try:
                self.ears.run()
            finally:
                self._soon(stop.set)

        threads = [
            threading.Thread(target=hear, name="ears", daemon=True),
            threading.Thread(target=self.mouth.run, name="mouth", daemon=True),
        ]
        for thread in threads:
            thread.start()
        loud = self._wanted.announce and not is_loopback(self._wanted.host)
        name = f"{self._wanted.name} satellite"
        try:
            async with announced(name, self._wanted.host, self.port, loud):
                await stop.wait()
        finally:
            self.port = None
            server.close()
            for task in self._talks:
                task.cancel()
            await asyncio.gather(*self._talks, return_exceptions=True)
            self._sound.microphone.close()
            self.mouth.close()
            for thread in threads:
                await asyncio.to_thread(thread.join, _JOIN_S)

    # --- from the threads

    def _on_wake(self, word: str) -> bool:
        if not self.connected:
            return False
        self.mouth.hush()
        run = RunPipeline(PipelineStage.ASR, PipelineStage.TTS, wake_word_name=word)
        self._tell(Detection(wake_name(word)).event())
        self._tell(run.event())
        return True

    def _on_sound(self, samples: Samples) -> None:
        self._tell(chunk_of(samples, RATE_HZ).event())

    def _on_end(self) -> None:
        self._tell(AudioStop().event())

    def _tell(self, event: Event) -> None:
        self._soon(lambda: self._hub.put(event) if self._hub is not None else None)

    def _soon(self, call: Callable[[], None]) -> None:
        if self._loop is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(call)

    # --- on the loop

    async def _talk(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        self._talks.add(task)
        peer = str((writer.get_extra_info("peername") or ("?",))[0])
        hub = _Hub(writer)
        writing = asyncio.create_task(hub.keep_writing())
        try:
            if not self._gate.lets_in(peer):
                _LOG.warning("%s may not connect; see wyoming.allow", peer)
                return
            while (event := await read_event(reader, _SILENT_S)) is not None:
                await self._take(hub, event)
        except BadStream as nonsense:
            _LOG.warning("the hub %s is sent away: %s", peer, nonsense)
        except (ConnectionError, TimeoutError):
            pass  # gone, or silent for too long
        finally:
            if self._hub is hub:
                self._hub = None
                self.ears.close()
                self.mouth.hush()
            writing.cancel()
            writer.close()
            await asyncio.gather(writing, return_exceptions=True)
            self._talks.discard(task)

    async def _take(self, hub: _Hub, event: Event) -> None:
        kind = event.type
        if kind == "describe":
            hub.put(self._info().event())
        elif kind == "ping":
            hub.put(Pong().event())
        elif kind == "run-satellite":
            self._hub, hub.running = hub, True
        elif hub is not self._hub:
            return  # another hub has taken over
        elif kind == "pause-satellite":
            hub.running = False
            self.ears.close()
        elif kind in ("voice-stopped", "transcript", "error"):
            self.ears.close()
        elif kind == "audio-start":
            hub.sound = ChunkReader()
        elif kind == "audio-chunk":
            await self._play(hub, event)
        elif kind == "audio-stop":
            await asyncio.to_thread(self.mouth.end)

    async def _play(self, hub: _Hub, event: Event) -> None:
        try:
            samples = hub.sound.samples(event.data, event.payload)
        except AudioError as problem:
            _LOG.warning("the hub's answer cannot be played: %s", problem)
            return
        self.ears.close()  # it has heard enough, if it answers
        await asyncio.to_thread(self.mouth.play, AudioFrame(samples))

    def _info(self) -> Info:
        words = list(map(wake_name, self._wake.words)) if self._wake is not None else []
        about = Satellite(
            name=self._wanted.name,
            attribution=Attribution("edgebot", ""),
            installed=True,
            description="A satellite that hears the wake word by itself",
            version=__version__,
            has_vad=False,
            active_wake_words=words,
            max_active_wake_words=len(words),
            supports_trigger=False,
        )
        return Info(satellite=about)


class _Hub:
    """The way to a hub: what waits to be sent, bounded; the oldest make room."""

    def __init__(self, writer: asyncio.StreamWriter) -> None:
        self._writer = writer
        self._events: asyncio.Queue[Event] = asyncio.Queue(_WAITING)
        self.running = False
        self.sound = ChunkReader()

    def put(self, event: Event) -> None:
        if self._events.full():
            self._events.get_nowait()
        self._events.put_nowait(event)

    async def keep_writing(self) -> None:
        try:
            while True:
                event = await self._events.get()
                await asyncio.wait_for(async_write_event(event, self._writer), _SLOW_S)
        except (ConnectionError, TimeoutError):
            self._writer.close()  # the reader notices
