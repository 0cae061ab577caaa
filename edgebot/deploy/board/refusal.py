"""Why something is not done, in one sentence that names the next step."""

from __future__ import annotations


class Refused(Exception):
    """The board is untouched; ``kind`` is a word for programs, the message is for people."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Interrupted(Exception):
    """A step failed after the board was touched: the way back is taken."""
