"""From tokens to text while a reply is written: UTF-8 across tokens, stop texts, loops."""

from __future__ import annotations

import codecs
from collections import deque

_WINDOW = 96
_LONGEST_PERIOD = 24
_REPEATS = 4
_SHORTEST_LOOP = 12


class TextStream:
    """Turns the bytes of tokens into text, holding back what may become a stop text."""

    def __init__(self, stop: tuple[str, ...] = ()) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        self._stop = tuple(text for text in stop if text)
        self._held = ""
        self.stopped = False
        """True once a stop text was seen; nothing comes after it."""

    def feed(self, piece: bytes) -> str:
        """The text that is certain after ``piece``; may be empty."""
        if self.stopped:
            return ""
        self._held += self._decoder.decode(piece)
        if not self._stop:
            return self._release(len(self._held))
        found = [at for at in (self._held.find(text) for text in self._stop) if at >= 0]
        if found:
            self.stopped = True
            text, self._held = self._held[: min(found)], ""
            return text
        return self._release(len(self._held) - self._promising())

    def finish(self) -> str:
        """What was still held back when the reply ended."""
        if self.stopped:
            return ""
        self._held += self._decoder.decode(b"", final=True)
        return self._release(len(self._held))

    def _release(self, length: int) -> str:
        text, self._held = self._held[:length], self._held[length:]
        return text

    def _promising(self) -> int:
        """Length of the longest end of the held text that begins a stop text."""
        return max(
            (
                length
                for text in self._stop
                for length in range(1, min(len(text), len(self._held) + 1))
                if self._held.endswith(text[:length])
            ),
            default=0,
        )


class LoopWatch:
    """Notices a reply that goes round in circles.

    A loop is the same run of 1 … 24 tokens four times in a row, twelve tokens at least: longer
    than "no, no, no" and "ha ha ha", shorter than a person's patience.
    """

    def __init__(self) -> None:
        self._tokens: deque[int] = deque(maxlen=_WINDOW)

    def loops(self, token: int) -> bool:
        """Take the next token; True when the end of the reply repeats itself."""
        self._tokens.append(token)
        tokens = list(self._tokens)
        for period in range(1, _LONGEST_PERIOD + 1):
            length = max(period * _REPEATS, _SHORTEST_LOOP)
            if len(tokens) < length:
                return False
            tail = tokens[-length:]
            if tail[period:] == tail[:-period]:
                return True
        return False
