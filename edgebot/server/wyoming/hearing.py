"""Speech to text and wake words for one connection."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import TypeAlias

from wyoming.asr import Transcript
from wyoming.event import Event
from wyoming.wake import Detection, NotDetected

from edgebot.core.audio import RATE_HZ, AudioFrame, Samples
from edgebot.core.errors import AudioError, UsageError
from edgebot.core.listening import Wake, WakeWord
from edgebot.core.speech import SpeechStream
from edgebot.runtime.hearing import open_stream
from edgebot.runtime.wiring import Assembly
from edgebot.server.wyoming.offer import DICTATION, wake_name
from edgebot.server.wyoming.sound import ChunkReader
from edgebot.server.wyoming.work import Work


class Transcribing:
    """One utterance on its way to words."""

    def __init__(self, assembly: Assembly, work: Work, model: str | None, session: str) -> None:
        """``model``: ``dictation`` expects nothing in particular; any other the commands first."""
        self._assembly = assembly
        self._work = work
        self._dictation = model == DICTATION
        self._session = session
        self._reader = ChunkReader()
        self._stream: SpeechStream | None = None
        self._samples = 0

    async def chunk(self, event: Event) -> Event | None:
        """Take a chunk. Raises ``AudioError`` when it is unusable or the recording too long."""
        samples = self._reader.samples(event.data, event.payload)
        self._samples += len(samples)
        longest_s = self._assembly.settings.stt.max_utterance_s
        if self._samples > longest_s * RATE_HZ:
            raise AudioError(f"more than {longest_s:g} s of speech (stt.max_utterance_s)")
        frame = AudioFrame(samples, start=self._samples - len(samples))
        if len(samples):
            await self._work(lambda: self._opened().accept(frame))
        return None

    async def stop(self) -> Event:
        """The words."""
        heard = await self._work(lambda: self._opened().finish())
        return Transcript(heard.text, language=self._assembly.settings.language).event()

    def _opened(self) -> SpeechStream:
        if self._stream is None:
            stt = self._assembly.stt()
            if self._dictation:
                self._stream = stt.stream()
            else:
                context = self._assembly.dialogue().context(self._session)
                self._stream = open_stream(stt, self._assembly.understander(), context)
        return self._stream

    def close(self) -> None:
        """Nothing is held."""


class WaitingForWord:
    """Sound that waits for a wake word; an engine of its own, since it keeps state."""

    def __init__(self, assembly: Assembly, work: Work, names: Sequence[str] | None) -> None:
        self._assembly = assembly
        self._work = work
        self._names = frozenset(names or ())
        self._reader = ChunkReader()
        self._words: WakeWord | None = None
        self._using = threading.Lock()
        """Whoever leaves does not wait for an engine that is at work; it must not be freed under
        its hands."""

        self._closed = False
        self._position = 0
        self.detected = False

    async def chunk(self, event: Event) -> Event | None:
        """Take a chunk; the detection when a word ended in it."""
        samples = self._reader.samples(event.data, event.payload)
        start, self._position = self._position, self._position + len(samples)
        if self.detected or not len(samples):
            return None
        found = await self._work(lambda: self._accept(samples, start))
        if found is None or (self._names and wake_name(found.word) not in self._names):
            return None
        self.detected = True
        milliseconds = found.end * 1000 // RATE_HZ
        return Detection(wake_name(found.word), event.data.get("timestamp") or milliseconds).event()

    async def stop(self) -> Event | None:
        """The end of the sound: nothing was heard, or it was told already."""
        return None if self.detected else NotDetected().event()

    def _accept(self, samples: Samples, start: int) -> Wake | None:
        with self._using:
            return None if self._closed else self._opened().accept(samples, start)

    def _opened(self) -> WakeWord:
        if self._words is None:
            self._words = self._assembly.open_wake_words()
            if self._words is None:
                raise UsageError("wake words are off here; set wake.enabled")
            if self._names and not self._names & set(map(wake_name, self._words.words)):
                known = ", ".join(map(wake_name, self._words.words))
                raise UsageError(f"none of these wake words is known here; there are: {known}")
        return self._words

    def close(self) -> None:
        """Free the engine, once it has done what it is at."""
        with self._using:
            self._closed = True
            if self._words is not None:
                self._words.close()


Hearing: TypeAlias = Transcribing | WaitingForWord
