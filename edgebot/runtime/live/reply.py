"""One spoken reply on its way out: its sentences, its sound, and what of it was heard."""

from __future__ import annotations

import threading
from dataclasses import dataclass

import numpy as np

from edgebot.core.audio import Samples
from edgebot.core.channel import Channel, ChannelClosed
from edgebot.core.turn import Turn

_CHARACTERS_A_SECOND = 14.0
"""Usual pace of a voice, for a sentence that was broken off before it was synthesized."""

_REWIND_S = 0.3
"""What is said again when a reply goes on after a false interruption."""


@dataclass(frozen=True, slots=True)
class Utter:
    """Something to be heard: a sentence, or a sound where ``samples`` are given."""

    text: str
    samples: Samples | None = None


@dataclass(frozen=True, slots=True)
class Clip:
    """A piece of sound of the reply."""

    text: str
    """The sentence it belongs to."""

    samples: Samples
    first: bool
    """Whether the sentence begins with it."""

    last: bool
    """Whether the sentence ends with it."""


@dataclass(slots=True)
class _Span:
    text: str
    start: int
    end: int
    complete: bool


class Reply:
    """Written by the responder, made sound by the synthesizer, played by the speaker.

    Each of the three does one thing; only the speaker moves :attr:`cursor`. When the turn is
    cancelled the channels close and all three stop.
    """

    def __init__(self, turn: Turn, rate_hz: int, *, rings: bool = False) -> None:
        """``rings``: heard even where the assistant is muted (a timer, an alarm)."""
        self.turn = turn
        self.rate_hz = rate_hz
        self.rings = rings
        self.sentences: Channel[Utter] = Channel(capacity=8)
        self.clips: Channel[Clip] = Channel(capacity=4)
        self.failure: Exception | None = None
        self._finished = threading.Event()
        self._sounds = threading.Event()
        self._tape = np.zeros(0, np.int16)
        self._tape_start = 0
        self._spans: list[_Span] = []
        self.cursor = 0
        """Next sample to be played."""

        self.stopped_at: int | None = None
        """Where it was broken off, in samples; None when it was not."""

        self._heard = ""
        turn.cancellation.on_cancel(self._close)

    # --- the responder's side

    def say(self, text: str) -> bool:
        """Have ``text`` spoken after what was said before; False when nobody listens any more."""
        return self._put(Utter(text))

    def sound(self, samples: Samples) -> bool:
        """Have ``samples`` played after what was said before."""
        return self._put(Utter("", samples))

    def _put(self, utter: Utter) -> bool:
        try:
            self.sentences.put(utter)
        except ChannelClosed:
            return False
        return True

    def end(self) -> None:
        """Nothing more will be said."""
        self.sentences.close()

    def wait_for_sound(self, longest_s: float) -> None:
        """Block until the first of it is played, was cancelled, or ``longest_s`` have passed."""
        self._sounds.wait(longest_s)

    def wait(self) -> str:
        """Block until everything was heard or the turn was cancelled; the text that was heard."""
        self._finished.wait()
        return self._heard

    # --- the speaker's side

    def sounds(self) -> None:
        """The first of it is played."""
        self._sounds.set()

    def record(self, clip: Clip) -> None:
        """Append ``clip`` to what can be played."""
        end = self.tape_end
        if clip.first or not self._spans:
            self._spans.append(_Span(clip.text, end, end, complete=False))
        self._spans[-1].end = end + len(clip.samples)
        self._spans[-1].complete = clip.last
        keep_from = max(0, self.cursor - int(_REWIND_S * 10 * self.rate_hz) - self._tape_start)
        self._tape = np.concatenate([self._tape[keep_from:], clip.samples])
        self._tape_start += keep_from

    @property
    def tape_end(self) -> int:
        """Position behind the last sample that can be played."""
        return self._tape_start + len(self._tape)

    def piece(self, length: int) -> Samples:
        """Up to ``length`` samples from the cursor on."""
        start = self.cursor - self._tape_start
        return self._tape[start : start + length]

    def rewind(self, heard: int) -> None:
        """Go back to a little before ``heard``, the position up to which it was audible."""
        start = max((span.start for span in self._spans if span.start <= heard), default=0)
        back = max(start, heard - int(_REWIND_S * self.rate_hz), self._tape_start)
        self.cursor = min(self.cursor, back)

    def heard_until(self, position: int) -> str:
        """The words that were audible up to ``position``, in samples."""
        parts = []
        for span in self._spans:
            if not span.text or span.start >= position:
                continue
            words = span.text.split()
            length = span.end - span.start
            if not span.complete:
                spoken_s = len(span.text) / _CHARACTERS_A_SECOND
                length = max(length, int(spoken_s * self.rate_hz))
            share = (position - span.start) / max(1, length)
            if share >= 1:
                parts.append(span.text)
            elif kept := words[: int(share * len(words))]:
                parts.append(" ".join(kept) + " …")
        return " ".join(parts)

    def saying(self, position: int) -> str:
        """The sentences around ``position``: what may be echoing in the room."""
        around = int(2.0 * self.rate_hz)
        return " ".join(
            span.text
            for span in self._spans
            if span.text and span.start - around <= position <= span.end + around
        )

    def finish(self, heard: str) -> None:
        """The last of it was heard, or will never be."""
        self._heard = heard
        self._finished.set()
        self._close()

    def _close(self) -> None:
        self._sounds.set()
        self.sentences.close(discard=True)
        self.clips.close(discard=True)
