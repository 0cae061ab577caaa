"""What the responder is asked to do."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field

from edgebot.core.audio import Samples
from edgebot.core.dialogue import Announcement, Decision
from edgebot.core.speech import SpeechStream
from edgebot.core.turn import Turn


class Attempt:
    """An answer in preparation: begun at a pause, released at the endpoint or thrown away."""

    def __init__(
        self, turn: Turn, stream: SpeechStream, *, by: str = "", audio: Samples | None = None
    ) -> None:
        """``by``: what opened the microphone, see :class:`Opening`. ``audio``: what was heard."""
        self.turn = turn
        self.stream = stream
        self.by = by
        self.audio = audio
        self.understood: tuple[str, Decision] | None = None
        """The words and what they lead to, once that is known."""
        self.taken_back = False
        """The person went on after it was released: it never was."""
        self._decided = threading.Event()
        self._released = False
        self._lock = threading.Lock()
        self._committed = False
        turn.cancellation.on_cancel(self._decided.set)

    def release(self) -> None:
        """The person is done: what was prepared may happen."""
        self.turn.mark("endpoint")
        self._released = True
        self._decided.set()

    def discard(self) -> None:
        """The person goes on: forget it."""
        self.turn.cancel()

    def wait(self) -> bool:
        """Block until it is released (True) or thrown away (False)."""
        self._decided.wait()
        return self._released and not self.turn.cancellation.is_set

    def commit(self) -> bool:
        """What cannot be taken back happens next; False when it may not any more."""
        with self._lock:
            self._committed = self.is_live
            return self._committed

    def take_back(self) -> bool:
        """The person goes on after all: stop answering; False after :meth:`commit`."""
        with self._lock:
            if self._committed or not self.is_live:
                return False
            self.taken_back = True
        self.turn.cancel()
        return True

    @property
    def is_live(self) -> bool:
        """Whether it was not thrown away."""
        return not self.turn.cancellation.is_set


@dataclass(slots=True)
class Ring:
    """Something promised is due and is to be heard."""

    announcement: Announcement
    turn: Turn = field(default_factory=lambda: Turn("ring"))


@dataclass(slots=True)
class Notice:
    """A sentence of our own that answers nobody, or a sound."""

    text: str = ""
    tone: Samples | None = None
    turn: Turn = field(default_factory=lambda: Turn("notice"))


Job = Attempt | Ring | Notice


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a turn ended, for the listener."""

    session: str
    heard_words: bool
    """Whether the person said anything that was understood as words."""

    expects_answer: bool = False
    interrupted: bool = False
    ended: bool = False
    """The person closed the conversation ("never mind", "stop")."""
