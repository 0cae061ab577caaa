"""Keeps a conversation within the context: the oldest turns go first, whole."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from edgebot.core.errors import EngineError
from edgebot.core.language import Message

Encode = Callable[[Sequence[Message]], list[int]]

_MARK = " … "


@dataclass(frozen=True, slots=True)
class Fitted:
    """A prompt that fits."""

    tokens: list[int]
    dropped: int
    """Messages left out."""

    shortened: bool = False
    """The last message alone was too long: its middle is left out."""


def fit(messages: Sequence[Message], room: int, encode: Encode) -> Fitted:
    """Tokens of the newest part of ``messages`` that fits into ``room`` tokens.

    System messages at the front stay whatever happens: they hold the rules. Then whole turns are
    dropped, oldest first (a turn begins with a user message), and when the last one alone is still
    too long its middle is cut out. Raises ``EngineError`` when the rules alone do not fit.
    """
    rules = 0
    while rules < len(messages) and messages[rules].role == "system":
        rules += 1
    head, talk = list(messages[:rules]), list(messages[rules:])
    starts = [at for at, message in enumerate(talk) if message.role == "user"] or [0]
    for start in starts if starts[0] == 0 else [0, *starts]:
        kept = [*head, *talk[start:]]
        if _may_fit(kept, room):
            tokens = encode(kept)
            if len(tokens) <= room:
                return Fitted(tokens, dropped=start)
    return _shortened(head, talk, starts[-1], room, encode)


def _may_fit(messages: Sequence[Message], room: int) -> bool:
    """False for what is hopeless (a token is seldom longer than eight characters): saves work."""
    return sum(len(message.content) for message in messages) <= room * 16


def _shortened(
    head: list[Message], talk: list[Message], start: int, room: int, encode: Encode
) -> Fitted:
    last = talk[start:]
    if not last:
        raise EngineError("the rules of the persona do not fit into the context; shorten them")
    longest = max(range(len(last)), key=lambda at: len(last[at].content))
    low, high = 0, min(len(last[longest].content), room * 16)
    best: list[int] | None = None
    while low <= high:  # longest text that fits; a token count grows with the text
        length = (low + high) // 2
        tokens = encode([*head, *_with_shorter(last, longest, length)])
        if len(tokens) <= room:
            best, low = tokens, length + 1
        else:
            high = length - 1
    if best is None:
        raise EngineError("the rules of the persona do not fit into the context; shorten them")
    return Fitted(best, dropped=start, shortened=True)


def _with_shorter(messages: list[Message], at: int, length: int) -> list[Message]:
    """``messages`` with the middle of one cut out: questions stand at the ends."""
    text = messages[at].content
    front = length * 2 // 3
    back = length - front
    cut = text[:front] + _MARK + (text[-back:] if back else "")
    return [*messages[:at], Message(messages[at].role, cut), *messages[at + 1 :]]
