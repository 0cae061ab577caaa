"""One opening of the microphone: from the wake word (or our question) to the endpoint."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

from edgebot.core.audio import RATE_HZ, AudioFrame
from edgebot.core.dialogue import Dialogue
from edgebot.core.speech import Transcript
from edgebot.core.turn import Turn
from edgebot.runtime.endpointing import Endpointer, EndpointLimits, Event, Said
from edgebot.runtime.live.holding import Hold
from edgebot.runtime.live.jobs import Attempt
from edgebot.runtime.live.manners import Ears, Manners
from edgebot.runtime.live.recent import Recent
from edgebot.runtime.live.utterance import Utterance
from edgebot.runtime.unfinished import judged

if TYPE_CHECKING:
    from edgebot.runtime.live.rest import Rest

_AHEAD_S = 0.6
"""The words so far are handed to the language model this often."""

_AHEAD_WORDS = 3
"""Fewer words tell too little."""


@dataclass(slots=True)
class Opening:
    """Everything the listener knows while the microphone is open."""

    by: str
    """``wake``, ``button``, ``follow_up``, ``question`` or ``barge_in``."""

    session: str
    endpointer: Endpointer = field(init=False)
    utterance: Utterance | None = None
    attempt: Attempt | None = None
    unsure: bool = False
    """A reply is paused for it, and it is not known yet whether anybody spoke."""

    known: Finished | None = None
    """What was understood up to the pause, where that had to be found out already."""

    goes_on: Rest | None = None
    """What the person who breaks in may be going on with."""

    age: int = 0
    """Samples since it was opened."""

    lead: Recent = field(default_factory=Recent)
    """What was heard while nobody spoke yet."""

    hold: Hold | None = None
    """The press of the key that opened it."""

    ahead: Turn | None = None
    """What is worked ahead on the words so far."""

    asked_at: int = 0
    """Age at which the words so far were last handed on, in samples."""

    def events(self, probability: float, samples: int) -> list[Event]:
        """What follows from the next ``samples`` with their ``probability`` of speech."""
        events = self.endpointer.accept(probability, samples)
        if self.hold is None:
            return events
        started = self.endpointer.started_at is not None
        return self.hold.judge(events, self.age, started=started)

    def propose(self, submit: Callable[[Attempt], None]) -> Attempt:
        """Have an answer prepared to what was said so far; does so once."""
        if self.attempt is None:
            assert self.utterance is not None
            self.stop_working_ahead()
            turn = Turn(self.session)
            turn.mark("end_of_speech", ago_s=self.endpointer.silence_ms / 1000.0)
            stream = self.known or self.utterance.hand_over()
            self.attempt = Attempt(turn, stream, by=self.by, audio=self.utterance.audio())
            submit(self.attempt)
        return self.attempt

    def go_on(self) -> None:
        """The person speaks again."""
        if self.attempt is not None:
            self.attempt.discard()
            self.attempt = None
        self.known = None
        if self.utterance is not None:
            self.utterance.resume()

    def work_ahead(self, dialogue: Dialogue, words: str) -> None:
        """Let ``dialogue`` prepare for the ``words`` so far, now and then."""
        due = self.age - self.asked_at >= _AHEAD_S * RATE_HZ
        if due and len(words.split()) >= _AHEAD_WORDS:
            self.asked_at = self.age
            if self.ahead is None:
                self.ahead = Turn(self.session)
            dialogue.prepare(self.ahead, words)

    def stop_working_ahead(self) -> None:
        """The language model is needed, or nobody wants its work."""
        if self.ahead is not None:
            self.ahead.cancel()
            self.ahead = None

    def drop(self) -> None:
        """Close it without an answer."""
        self.stop_working_ahead()
        if self.attempt is not None:
            self.attempt.discard()


class Finished:
    """A stream whose transcript is known already."""

    def __init__(self, transcript: Transcript) -> None:
        self._transcript = transcript

    def accept(self, frame: AudioFrame) -> str:
        """As :class:`~edgebot.core.speech.SpeechStream`; nothing is taken any more."""
        return self._transcript.text

    def finish(self) -> Transcript:
        """The transcript."""
        return self._transcript


def opening_of(
    by: str,
    session: str,
    wait_s: float,
    manners: Manners,
    ears: Ears,
    submit: Callable[[Attempt], None],
) -> Opening:
    """The microphone is open, ``by`` what opened it, for somebody to begin within ``wait_s``."""
    opening = Opening(by, session)
    limits = replace(manners.endpoint, no_speech_ms=int(wait_s * 1000))
    opening.endpointer = endpointer_of(opening, limits, ears, submit, manners.language)
    return opening


def endpointer_of(
    opening: Opening,
    limits: EndpointLimits,
    ears: Ears,
    submit: Callable[[Attempt], None],
    language: str,
) -> Endpointer:
    """The endpointer of ``opening``: an answer is being prepared while the detector thinks."""
    detector = ears.turn

    begins = functools.lru_cache(maxsize=1)(ears.begins)  # asked with every frame of a pause

    def said() -> Said:
        partial = "" if opening.utterance is None else opening.utterance.partial
        understood = opening.attempt and opening.attempt.understood
        text, decision = understood or (partial, None)
        return judged(text, decision, language, begins=begins(opening.session, partial))

    if detector is None:
        return Endpointer(limits, said=said)

    def finished() -> float:
        if opening.utterance is None:
            return 0.0
        if not opening.unsure:
            opening.propose(submit)
        longest = int(detector.longest_s * RATE_HZ)
        return detector.finished(opening.utterance.audio()[-longest:])

    return Endpointer(limits, finished, said)
