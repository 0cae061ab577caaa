"""Where an utterance begins and ends, counted in samples.

Voice activity proposes; in a short pause a turn detector is asked whether the sentence sounds
finished, and what was understood whether it is one. Both together tell how long the person may
pause. Nothing here reads a clock, so a recording gives the same result however fast it is fed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto

from edgebot.core.audio import RATE_HZ


class Event(Enum):
    """What an utterance just did."""

    STARTED = auto()
    """The person speaks (told once, after enough speech to be sure)."""

    PAUSED = auto()
    """A silence that may be the end: whoever can works ahead."""

    RESUMED = auto()
    """The person went on after a pause."""

    ENDED = auto()
    """The utterance is over."""

    NOTHING = auto()
    """Nobody spoke for as long as we wait."""


class Said(Enum):
    """What the words so far are."""

    OPEN = auto()
    """The beginning of something: they ask for more."""

    UNKNOWN = auto()
    """Nothing that we know, or not understood yet."""

    TALK = auto()
    """A sentence of some length for the language model: nobody knows its end better."""

    WHOLE = auto()
    """A command with all that it needs, or a question with a known answer."""


@dataclass(frozen=True, slots=True)
class EndpointLimits:
    """Times in milliseconds, of audio."""

    start_probability: float = 0.5
    hold_probability: float = 0.35
    """Hysteresis: until it is sure that speech has begun, it goes on down to here."""

    stop_probability: float = 0.65
    """Below this an utterance that has begun pauses. The probability falls slowly behind the last
    sound, most slowly in noise; within words it hardly does."""

    speech_ms: int = 96
    """Speech needed before it counts as a beginning (a click is no speech)."""

    propose_ms: int = 128
    """Silence that may be the end: an answer is prepared from here on."""

    pause_ms: int = 128
    """Silence after which the turn detector is asked for the first time."""

    finished_ms: int = 160
    """Silence that ends a finished sentence; the detector is asked before, for it takes time."""

    ask_again_ms: int = 1200
    """While it says that the sentence is unfinished, it is asked again this often: as a rule never.
    The more silence it hears, the more it takes anything for finished."""

    complete_ms: int = 480
    """Silence that ends what is whole by its words and sounds unfinished."""

    talk_ms: int = 640
    """Silence that ends a sentence for the language model that sounds finished. No answer to it is
    ready much sooner."""

    unfinished_ms: int = 1200
    """Silence that ends an unfinished sentence too."""

    no_speech_ms: int = 4000
    """Silence from the beginning after which we stop waiting."""

    longest_ms: int = 30_000
    """An utterance is cut here."""

    finished_probability: float = 0.6
    """From here on the turn detector's word counts as "finished" where the words are whole."""

    certain_probability: float = 0.98
    """From here on it counts where nothing is known about the words. It is often nearly sure of
    what was broken off in the middle, hardly ever quite."""


class Endpointer:
    """Follows one utterance; fed chunk by chunk with the probability of speech.

    ``finished`` is asked during pauses and returns how likely the sentence is complete; it may take
    its time, since only audio is counted.
    """

    def __init__(
        self,
        limits: EndpointLimits = EndpointLimits(),
        finished: Callable[[], float] | None = None,
        said: Callable[[], Said] = lambda: Said.UNKNOWN,
    ) -> None:
        """``said``: what the words so far are; may be found out during the pause."""
        self._said = said
        self._limits = limits
        self._finished = finished
        self._position = 0
        self._speech = 0
        self._silence = 0
        self._next_question = 0
        self._speaking = False
        self._paused = False
        self._probability = 0.0
        self.started_at: int | None = None
        """First sample of speech, once it has started."""

        self.last_speech_at = 0
        """Position just behind the last chunk that held speech."""

    def accept(self, probability: float, samples: int) -> list[Event]:
        """Take the next ``samples`` with their ``probability`` of speech; what follows from it."""
        self._position += samples
        limit = self._limits
        threshold = limit.stop_probability
        if self.started_at is None:
            threshold = limit.hold_probability if self._speaking else limit.start_probability
        self._speaking = probability >= threshold
        events = self._on_speech(samples) if self._speaking else self._on_silence(samples)
        if Event.ENDED not in events and self._is_too_long():
            events.append(Event.ENDED)
        return events

    @property
    def silence_ms(self) -> float:
        """Silence since the last speech, in milliseconds."""
        return self._silence * 1000.0 / RATE_HZ

    def _on_speech(self, samples: int) -> list[Event]:
        events: list[Event] = []
        self._speech += samples
        self._silence = 0
        self.last_speech_at = self._position
        if self.started_at is None and self._speech >= _samples(self._limits.speech_ms):
            self.started_at = self._position - self._speech
            events.append(Event.STARTED)
        elif self._paused:
            events.append(Event.RESUMED)
        self._paused, self._probability = False, 0.0
        return events

    def _on_silence(self, samples: int) -> list[Event]:
        limit = self._limits
        self._silence += samples
        if self.started_at is None:
            self._speech = 0
            waited = self._position >= _samples(limit.no_speech_ms)
            return [Event.NOTHING] if waited else []
        events: list[Event] = []
        if not self._paused and self._silence >= _samples(limit.propose_ms):
            self._paused = True
            self._next_question = max(self._silence, _samples(limit.pause_ms))
            events.append(Event.PAUSED)
        if self._paused and self._is_over():
            events.append(Event.ENDED)
        return events

    def _is_too_long(self) -> bool:
        if self.started_at is None:
            return False
        return self._position - self.started_at >= _samples(self._limits.longest_ms)

    def _is_over(self) -> bool:
        limit = self._limits
        if self._silence >= _samples(limit.unfinished_ms):
            return True
        if self._finished is not None and self._silence >= self._next_question:
            self._next_question = self._silence + _samples(limit.ask_again_ms)
            self._probability = max(self._probability, self._finished())
        return self._silence >= _samples(self._patience_ms())

    def _patience_ms(self) -> int:
        """The silence that ends what was said so far."""
        limit = self._limits
        said = self._said()
        if said is Said.OPEN:
            return limit.unfinished_ms
        finished = self._probability >= limit.finished_probability
        if said is Said.WHOLE:
            return limit.finished_ms if finished else limit.complete_ms
        if self._probability >= limit.certain_probability:
            return limit.finished_ms
        return limit.talk_ms if said is Said.TALK and finished else limit.unfinished_ms


def _samples(milliseconds: int) -> int:
    return milliseconds * RATE_HZ // 1000
