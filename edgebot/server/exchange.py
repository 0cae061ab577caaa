"""One exchange that came in by a door, on a thread of its own."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np

from edgebot.core.audio import AudioFrame, Samples
from edgebot.core.cancel import Cancellation
from edgebot.core.speech import Transcript
from edgebot.core.turn import Turn
from edgebot.runtime.hearing import open_stream
from edgebot.runtime.live import bus as events
from edgebot.runtime.live.ledger import record_of
from edgebot.runtime.turns import TurnReport, listen

if TYPE_CHECKING:
    from edgebot.server.house import Answer, House

_FRAME = 8000
"""A recording is handed to the recogniser in pieces of this many samples."""

_TRIES = 5
"""So often an answer of the language model makes way for the voice before it stays."""


class Exchange:
    """Words or a recording in, an answer out; published on the bus like a turn of the voice."""

    def __init__(
        self,
        house: House,
        session: str,
        by: str,
        on_sentence: Callable[[str], None],
        spoken: bool,
    ) -> None:
        self._house = house
        self._session = session
        self._by = by
        self._on_sentence = on_sentence
        self._spoken = spoken
        self.on_heard: Callable[[str], None] = lambda text: None
        self.cancellation = Cancellation()
        """Set when nobody waits for the answer any more."""

    def typed(self, text: str) -> Answer:
        """Answer ``text``."""
        turn = self._turn()
        turn.mark("end_of_speech")
        turn.mark("final_text")
        return self._answer(turn, Transcript(text, engine="text"))

    def heard(self, samples: Samples) -> Answer:
        """Answer a recording, shape (n,) at 16 kHz."""
        house = self._house
        assembly, dialogue = house.assembly, house.dialogue()
        context = dialogue.context(self._session)
        stream = open_stream(assembly.stt(), assembly.understander(), context)
        turn = self._turn()
        frames = (
            AudioFrame(samples[start : start + _FRAME], start=start)
            for start in range(0, len(samples), _FRAME)
        )
        transcript = listen(turn, stream, frames)
        self.on_heard(transcript.text)
        return self._answer(turn, transcript)

    def _turn(self) -> Turn:
        turn = Turn(self._session)
        self.cancellation.on_cancel(turn.cancel)
        return turn

    def _answer(self, turn: Turn, transcript: Transcript) -> Answer:
        from edgebot.server.house import Answer

        house, publish = self._house, self._house.bus.publish
        publish(events.FinalText(turn.id, turn.session, transcript.text, self._by))
        voice = house.tts() if self._spoken else None
        sound: list[Samples] = []
        report = self._attempt(turn, transcript, sound, makes_way=True)
        for left in reversed(range(_TRIES)):
            self.cancellation.raise_if_set()
            if report.sentences or not turn.cancellation.is_set:
                break
            house.places.wait_for_the_voice()
            turn = self._turn()
            turn.mark("end_of_speech")
            turn.mark("final_text")
            report = self._attempt(turn, transcript, sound, makes_way=left > 0)
        turn.mark("done")
        house.dialogue().heard(turn, report.reply)
        record = record_of(turn, report.decision, self._by, transcript)
        publish(
            events.TurnEnded(
                turn.id,
                turn.session,
                self._by,
                record["route"],
                record["intent"],
                interrupted=False,
                failed=record["failed"],
                ms=record["ms"],
            )
        )
        samples = None
        if voice is not None:
            samples = np.concatenate(sound) if sound else np.zeros(0, np.int16)
        rate_hz = voice.rate_hz if voice is not None else 0
        return Answer(turn.id, turn.session, report, record["ms"], samples, rate_hz)

    def _attempt(
        self, turn: Turn, transcript: Transcript, sound: list[Samples], *, makes_way: bool
    ) -> TurnReport:
        """Answer; or, while the language model has said nothing yet, make way for the voice."""
        house = self._house
        proposal = house.dialogue().propose(turn, transcript.text)
        turn.mark("parsed")
        report = TurnReport(transcript, proposal.decision)
        sentences = iter(proposal.sentences())
        if makes_way and proposal.decision.route == "llm" and not house.calls_tools():
            with house.places.yielding(turn):
                sentence = next(sentences, None)
        else:
            sentence = next(sentences, None)
        while sentence is not None:
            turn.mark("first_token")
            turn.mark("first_sentence")
            report.sentences.append(sentence.text)
            house.bus.publish(events.ReplySentence(turn.id, turn.session, sentence.text, self._by))
            self._on_sentence(sentence.text)
            if self._spoken:
                for frame in house.tts().synthesize(sentence.text, turn.cancellation):
                    turn.mark("first_audio")
                    sound.append(frame.samples)
            sentence = next(sentences, None)
        return report
