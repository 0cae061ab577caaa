"""Listening for somebody who breaks in while we speak."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Set
from dataclasses import dataclass

from edgebot.core.audio import RATE_HZ, AudioFrame
from edgebot.core.speech import SpeechStream
from edgebot.runtime.live.interruption import Interruption, InterruptionLimits, Verdict
from edgebot.runtime.live.utterance import Utterance
from edgebot.runtime.live.veto import foreign_words, is_echo

_LEAD_S = 0.1
"""What is listened to from before the speech was noticed. More would hold our own words."""

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
        self._age = 0

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
            candidate = self._candidate
            if self._interruption.age or candidate is None:
                return None
            self._candidate = None
            return self._last_word(candidate, saying())
        if self._candidate is None:
            begun = frame.end - self._interruption.age - int(_LEAD_S * RATE_HZ)
            lead = [one for one in lead if one.end > begun]
            self._candidate = Utterance(self._open_stream, lead)
        else:
            self._candidate.accept(frame)
        self._age = self._interruption.age
        foreign = foreign_words(self._candidate.partial, saying())
        if self._stop_words & set(foreign):
            return self._person(self._candidate, sure=True)
        if verdict is not Verdict.PERSON:
            return None
        if only_stop_words:
            if self._age > _STOP_WORD_S * RATE_HZ:
                self.reset()
            return None
        if not foreign and is_echo(self._candidate.partial, saying()):
            self.reset()
            return None
        return self._person(self._candidate, sure=bool(foreign))

    def _last_word(self, candidate: Utterance, saying: str) -> Person | None:
        """Speech too short to count has ended: it counts if it was a stop word."""
        words = foreign_words(candidate.hand_over().finish().text, saying)
        return self._person(candidate, sure=True) if self._stop_words & set(words) else None

    def _person(self, candidate: Utterance, *, sure: bool) -> Person:
        age = self._age
        candidate.resume()
        self.reset()
        return Person(candidate, age, sure)
