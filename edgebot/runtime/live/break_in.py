"""Listening for somebody who breaks in while we speak."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Set
from dataclasses import dataclass

from edgebot.core.audio import RATE_HZ, AudioFrame
from edgebot.core.speech import SpeechStream
from edgebot.runtime.live.interruption import Interruption, InterruptionLimits, Verdict
from edgebot.runtime.live.utterance import Utterance
from edgebot.runtime.live.veto import foreign_words, words_of

_STOP_WORD_S = 4.0
"""Speech without a stop word is forgotten after this long, where one is needed."""


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody speaks, and it is not us."""

    utterance: Utterance
    age: int
    """Samples since they began."""

    sure: bool
    """Words were understood that are not ours; otherwise only the sound speaks for it."""


class BreakIn:
    """Judges speech that is heard during a reply: by its length and level, then by its words."""

    def __init__(
        self,
        limits: InterruptionLimits,
        stop_words: Iterable[str],
        open_stream: Callable[[], SpeechStream],
    ) -> None:
        self._interruption = Interruption(limits)
        self._stop_words: Set[str] = frozenset(stop_words)
        self._open_stream = open_stream
        self._candidate: Utterance | None = None

    @property
    def suspects(self) -> bool:
        """Whether somebody may be speaking."""
        return self._candidate is not None

    def reset(self) -> None:
        """Begin anew."""
        self._interruption.reset()
        self._candidate = None

    def accept(
        self,
        frame: AudioFrame,
        probability: float,
        echo_db: float | None,
        lead: Iterable[AudioFrame],
        saying: Callable[[], str],
        *,
        only_stop_words: bool,
    ) -> Person | None:
        """Take the next frame; the person, once it is one.

        ``lead``: what was heard lately, this frame included. ``saying``: our own words of the
        moment. ``only_stop_words``: nothing else breaks us off.
        """
        verdict = self._interruption.accept(frame.samples, probability, echo_db)
        if verdict is Verdict.NOTHING:
            if not self._interruption.age:
                self._candidate = None
            return None
        if self._candidate is None:
            self._candidate = Utterance(self._open_stream, lead)
        else:
            self._candidate.accept(frame)
        if verdict is not Verdict.PERSON:
            return None
        return self._judge(self._candidate, saying(), only_stop_words=only_stop_words)

    def _judge(self, candidate: Utterance, saying: str, *, only_stop_words: bool) -> Person | None:
        words = words_of(candidate.partial)
        foreign = foreign_words(candidate.partial, saying)
        if only_stop_words and not self._stop_words & set(foreign):
            if self._interruption.age > _STOP_WORD_S * RATE_HZ:
                self.reset()
            return None
        if words and not foreign:  # the room hands our own words back
            self.reset()
            return None
        person = Person(candidate, self._interruption.age, sure=bool(foreign))
        self.reset()
        return person
