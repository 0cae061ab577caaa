"""Who speaks, and whose conversation that makes it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from edgebot.core.audio import Samples
from edgebot.runtime.live.jobs import Attempt

EVERYBODY = "local"
"""The conversation of those whose voices are not known."""

_GOING_ON = frozenset({"question", "follow_up", "barge_in"})
"""What opens the microphone in the middle of a conversation."""


class Heard(Protocol):
    """What was made out of a voice."""

    @property
    def name(self) -> str | None:
        """Whose it is; None for a stranger, and where that is not sure."""

    @property
    def is_telling(self) -> bool:
        """Whether enough was said to tell a voice from."""


Who = Callable[[Samples], Heard]
"""Whose voice an utterance (16 kHz) is."""


class People:
    """Keeps the thread of who is being talked with. For one thread."""

    def __init__(self, who: Who | None) -> None:
        """``who``: None where voices are not told apart."""
        self._who = who
        self._last: str | None = None

    def recognize(self, attempt: Attempt) -> None:
        """Give the turn of ``attempt`` its person and their conversation.

        A "yes" is too short to tell a voice from: who answers our question, goes on or breaks in
        with so little is taken for the one we talk with.
        """
        if self._who is None or attempt.audio is None:
            return
        heard = self._who(attempt.audio)
        person = heard.name
        if person is None and attempt.by in _GOING_ON and not heard.is_telling:
            person = self._last
        attempt.turn.person = person
        attempt.turn.session = session_of(person)

    def spoke(self, attempt: Attempt) -> None:
        """The turn of ``attempt`` happens: it was them."""
        self._last = attempt.turn.person


def session_of(person: str | None) -> str:
    """The conversation of ``person``. No door can name it: none takes a slash in a session."""
    return EVERYBODY if person is None else f"voice/{person}"
