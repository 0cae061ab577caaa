"""Another room: its sound comes in over the wire, its answers go out there."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable, Coroutine, Sequence

import numpy as np
from wyoming.asr import Transcript
from wyoming.error import Error
from wyoming.event import Event
from wyoming.handle import Handled
from wyoming.pipeline import PipelineStage, RunPipeline
from wyoming.tts import Synthesize
from wyoming.vad import VoiceStarted, VoiceStopped
from wyoming.wake import Detection

from edgebot.core.audio import RATE_HZ, Samples
from edgebot.core.errors import EdgebotError, UsageError
from edgebot.core.listening import VoiceActivity
from edgebot.runtime import endpointing
from edgebot.runtime.endpointing import Endpointer
from edgebot.runtime.live.starting import limits_of
from edgebot.server.house import House
from edgebot.server.wyoming.answering import BY
from edgebot.server.wyoming.hearing import WaitingForWord
from edgebot.server.wyoming.sound import ChunkReader
from edgebot.server.wyoming.speaking import Send, Speaking
from edgebot.server.wyoming.work import Work

_LEAD = RATE_HZ // 2
"""Samples before the first sure speech that belong to it."""


class Room:
    """The conversation of one room: wake word, endpoint, answer, voice; then from the beginning.

    What is heard while an answer is on its way is not listened to.
    """

    def __init__(self, house: House, work: Work, send: Send, session: str) -> None:
        self._house = house
        self._work = work
        self._send = send
        self._session = session
        self._pipeline: RunPipeline | None = None
        self._waiting: WaitingForWord | None = None
        self._listening: _Listening | None = None
        self._answering: asyncio.Task[None] | None = None
        self._voice: VoiceActivity | None = None
        self._using = threading.Lock()
        """Held while the voice activity detector works: it must not be freed under its hands."""

    async def run(self, event: Event) -> None:
        """Begin a pipeline, as the satellite asks for it."""
        try:
            pipeline = RunPipeline.from_event(event)
        except (KeyError, ValueError, TypeError):
            raise UsageError("no such pipeline; its stages go from wake or asr to tts") from None
        await self._break_off()
        self._pipeline = pipeline
        if pipeline.start_stage is PipelineStage.TTS:
            text = pipeline.announce_text or ""
            self._answering = asyncio.create_task(self._guarded(self._speak_all([text])))
            return
        if pipeline.start_stage not in (PipelineStage.WAKE, PipelineStage.ASR):
            raise UsageError("a pipeline begins with wake, asr or tts here")
        await self._begin(woken=pipeline.start_stage is PipelineStage.ASR)

    async def chunk(self, event: Event) -> None:
        """Take a chunk of sound."""
        if self._waiting is not None:
            if found := await self._waiting.chunk(event):
                await self._send(found)
                await self._detected(Detection.from_event(found))
        elif self._listening is not None:
            await self._follow(self._listening, event)

    async def stop(self) -> None:
        """The satellite sends no more sound: what was said so far counts."""
        listening, self._listening = self._listening, None
        if listening is not None:
            await self._end(listening)

    async def close(self) -> None:
        """Break off whatever is under way."""
        await self._break_off()
        with self._using:
            if self._voice is not None:
                self._voice.close()
                self._voice = None

    async def _break_off(self) -> None:
        answering, self._answering = self._answering, None
        if answering is not None:
            answering.cancel()
            await asyncio.gather(answering, return_exceptions=True)
        self._quiet()

    def _quiet(self) -> None:
        waiting, self._waiting, self._listening = self._waiting, None, None
        if waiting is not None:
            waiting.close()

    async def _begin(self, *, woken: bool) -> None:
        """Wait for the wake word, or listen at once."""
        self._quiet()
        assert self._pipeline is not None
        if not woken:
            names = self._pipeline.wake_word_names
            self._waiting = WaitingForWord(self._house.assembly, self._work, names)
            return
        if self._voice is None:
            self._voice = await self._work(self._house.assembly.voice_activity)
        self._voice.reset()
        self._listening = _Listening(self._house, self._voice)

    async def _detected(self, found: Detection) -> None:
        assert self._pipeline is not None
        if self._pipeline.end_stage is PipelineStage.WAKE:
            self._quiet()
            return
        await self._begin(woken=True)

    async def _follow(self, listening: _Listening, event: Event) -> None:
        samples = listening.reader.samples(event.data, event.payload)
        for happened in await self._work(lambda: self._accept(listening, samples)):
            if happened is endpointing.Event.STARTED:
                await self._send(VoiceStarted().event())
            elif happened is endpointing.Event.ENDED:
                await self._send(VoiceStopped().event())
                await self._end(listening)
                return
            elif happened is endpointing.Event.NOTHING:
                self._listening = None
                await self._send(Error("nobody spoke", "stt-no-text-recognized").event())
                await self._next(asked=False)
                return

    def _accept(self, listening: _Listening, samples: Samples) -> list[endpointing.Event]:
        with self._using:
            return [] if self._voice is None else listening.accept(samples)

    async def _end(self, listening: _Listening) -> None:
        self._listening = None
        answer = self._guarded(self._answer(listening.heard()))
        self._answering = asyncio.create_task(answer)

    async def _guarded(self, work: Coroutine[None, None, None]) -> None:
        """Tell the satellite what went wrong, and wait for the next word."""
        try:
            await work
        except EdgebotError as problem:
            with contextlib.suppress(ConnectionError, TimeoutError):
                await self._send(Error(str(problem), "failed").event())
            await self._next(asked=False)
        except (ConnectionError, TimeoutError):
            pass  # the connection ends by itself

    async def _answer(self, samples: Samples) -> None:
        assert self._pipeline is not None
        end = self._pipeline.end_stage
        if end is PipelineStage.ASR:
            await self._tell(await self._house.transcribe(samples))
            await self._next(asked=False)
            return
        heard: asyncio.Queue[str | None] = asyncio.Queue()
        sentences: asyncio.Queue[str | None] = asyncio.Queue()
        turn = asyncio.create_task(
            self._house.hear(
                samples, self._session, by=BY,
                on_heard=heard.put_nowait, on_sentence=sentences.put_nowait,
            )
        )  # fmt: skip
        for queue in (heard, sentences):
            turn.add_done_callback(lambda _, queue=queue: queue.put_nowait(None))  # type: ignore[misc]
        try:
            if (text := await heard.get()) is not None:
                await self._tell(text)
            if end is PipelineStage.TTS:
                await self._speak(sentences)
            answer = await turn
        finally:
            turn.cancel()
        if end is not PipelineStage.TTS:
            await self._send(Handled(answer.reply).event())
        await self._next(asked=answer.report.decision.expects_answer)

    async def _tell(self, text: str) -> None:
        await self._send(Transcript(text, language=self._house.settings.language).event())

    async def _speak(self, sentences: asyncio.Queue[str | None]) -> None:
        speaking, begun = Speaking(self._house, self._work, self._send), False
        while (sentence := await sentences.get()) is not None:
            begun = True
            await self._send(Synthesize(sentence).event())
            await speaking.say(sentence)
        if begun:
            await speaking.end()

    async def _speak_all(self, texts: Sequence[str]) -> None:
        sentences: asyncio.Queue[str | None] = asyncio.Queue()
        for text in (*texts, None):
            sentences.put_nowait(text)
        await self._speak(sentences)

    async def _next(self, *, asked: bool) -> None:
        """After an answer: a question of ours opens the ears at once, where sound still comes."""
        pipeline = self._pipeline
        if pipeline is None or pipeline.start_stage is PipelineStage.TTS:
            return
        if asked:
            await self._begin(woken=True)
        elif pipeline.restart_on_end:
            await self._begin(woken=pipeline.start_stage is PipelineStage.ASR)


class _Listening:
    """An utterance from its first sound to its end."""

    def __init__(self, house: House, voice: VoiceActivity) -> None:
        self.reader = ChunkReader()
        self._voice = voice
        self._endpointer = Endpointer(limits_of(house.settings.vad), self._finished(house))
        self._pieces: list[Samples] = []
        self._rest: Samples = np.zeros(0, np.int16)

    def _finished(self, house: House) -> Callable[[], float] | None:
        detector = house.assembly.turn_detector()
        if detector is None:
            return None
        longest = int(detector.longest_s * RATE_HZ)
        return lambda: detector.finished(self.heard()[-longest:])

    def accept(self, samples: Samples) -> list[endpointing.Event]:
        """Take the next samples; what follows from them. Takes its time: not for the loop."""
        self._rest = np.concatenate([self._rest, samples])
        happened: list[endpointing.Event] = []
        while len(self._rest) >= self._voice.chunk:
            piece, self._rest = self._rest[: self._voice.chunk], self._rest[self._voice.chunk :]
            self._pieces.append(piece)
            probability = self._voice.probability(piece)
            happened += self._endpointer.accept(probability, len(piece))
            if happened and happened[-1] in (endpointing.Event.ENDED, endpointing.Event.NOTHING):
                break
        return happened

    def heard(self) -> Samples:
        """What was said, with a little of what came before it; shape (n,)."""
        if len(self._pieces) > 1:
            self._pieces = [np.concatenate(self._pieces)]
        sound = self._pieces[0] if self._pieces else np.zeros(0, np.int16)
        return sound[max(0, (self._endpointer.started_at or 0) - _LEAD) :]
