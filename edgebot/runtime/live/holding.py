"""Push to talk: a key that is tapped opens the microphone, one that is held keeps it open."""

from __future__ import annotations

import logging
import threading
from typing import TYPE_CHECKING

from edgebot.core.audio import RATE_HZ
from edgebot.core.errors import EdgebotError
from edgebot.runtime.endpointing import Event

if TYPE_CHECKING:
    from edgebot.runtime.live.daemon import Daemon

_LOG = logging.getLogger(__name__)

_TAP = int(0.4 * RATE_HZ)
"""A key that is let go within so many samples was tapped: the end of speech is found as usual."""

_TAIL = int(0.2 * RATE_HZ)
"""Many let go a little before the end of their last syllable."""

_LONGEST = 60 * RATE_HZ
"""A key that is held for longer has something lying on it."""

_ENDS = frozenset({Event.ENDED, Event.NOTHING})


class Hold:
    """One press of the key, as the listener follows it, in samples."""

    def __init__(self) -> None:
        self._up = threading.Event()
        self._ends_at: int | None = None
        self._tapped = False

    def let_go(self) -> None:
        """The key goes up. From any thread."""
        self._up.set()

    def judge(self, events: list[Event], age: int, *, started: bool) -> list[Event]:
        """What becomes of the endpointer's ``events``, ``age`` samples after the press.

        ``started``: whether any speech was heard so far.
        """
        if self._tapped:
            return events
        if self._ends_at is None and self._up.is_set():
            self._tapped = age < _TAP
            self._ends_at = age + _TAIL
            if self._tapped:
                return events
        kept = [event for event in events if event not in _ENDS]
        if age >= _LONGEST or (self._ends_at is not None and age >= self._ends_at):
            kept.append(Event.ENDED if started or Event.STARTED in kept else Event.NOTHING)
        return kept


class TalkKey:
    """What a key or button for talking does, whatever device it is on.

    While something rings, it silences that; else it opens the microphone, in the middle of a reply
    too.
    """

    def __init__(self, daemon: Daemon) -> None:
        self._daemon = daemon
        self._hold: Hold | None = None

    def down(self) -> None:
        """The key goes down."""
        daemon = self._daemon
        if daemon.microphone_muted:
            return
        try:
            rings = bool(daemon.parts.dialogue.scheduler.ringing())
            if rings:
                daemon.hush()
        except EdgebotError as problem:
            _LOG.error("%s", problem)
            return
        if not rings:
            self._hold = Hold()
            daemon.listener.open("button", self._hold)

    def up(self) -> None:
        """It goes up again."""
        hold, self._hold = self._hold, None
        if hold is not None:
            hold.let_go()
