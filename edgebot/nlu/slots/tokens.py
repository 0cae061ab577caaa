"""From text to the words and figures that slots are read from.

One linear pass: nothing in it backtracks, so that no input makes it slow.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass

MAX_CHARS = 2_000
"""What lies behind is not looked at; a spoken sentence has a tenth of it."""

_TOKEN = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}(?![0-9])"  # 2026-05-03
    r"|[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?(?![0-9])"  # 18:30
    r"|[0-9]+(?:[.,][0-9]+)*"  # 1,000.5
    r"|(?:[^\W\d_][\u0300-\u036f]*)+(?:['’](?:[^\W\d_][\u0300-\u036f]*)+)*"  # o'clock
    r"|\S"
)
_SILENT = frozenset("., ;!?\"()[]{}…:'’“”„‘‚«»¿¡")


@dataclass(frozen=True, slots=True)
class Token:
    """A word, a figure or a sign, and where it stands in the text."""

    norm: str
    """Folded: case, accents' form and spelling variants gone."""

    start: int
    end: int
    glued: bool
    """No white space between it and the token before it."""

    pause: bool = False
    """Punctuation stands before it."""

    @property
    def is_figure(self) -> bool:
        """Written in digits."""
        return self.norm[0] in "0123456789"


def fold(text: str, spellings: Sequence[tuple[str, str]] = ()) -> str:
    """``text`` in the form words are compared in; ``spellings`` as (letter, written instead)."""
    folded = unicodedata.normalize("NFC", text).casefold().replace("’", "'")
    for letter, instead in spellings:
        folded = folded.replace(letter, instead)
    return folded


def tokenize(
    text: str,
    spellings: Sequence[tuple[str, str]] = (),
    split: Callable[[str], Sequence[str] | None] = lambda word: None,
) -> list[Token]:
    """The tokens of the first :data:`MAX_CHARS` characters.

    ``split`` takes a folded compound ("fuenfundzwanzig") apart, or returns None.
    """
    tokens: list[Token] = []
    pause = False
    position = -1
    for match in _TOKEN.finditer(text[:MAX_CHARS]):
        raw, start, end = match.group(), match.start(), match.end()
        glued = start == position
        position = end
        if raw in _SILENT:
            pause = True
            continue
        if raw in "-−–":
            if not _is_sign(text, start):
                continue
            raw = "-"
        norm = fold(raw, spellings)
        parts = split(norm) or [norm]
        for number, part in enumerate(parts):
            inner = number > 0
            tokens.append(Token(part, start, end, glued or inner, pause and not inner))
        pause = False
    return tokens


def _is_sign(text: str, start: int) -> bool:
    """A minus belongs to a figure behind it, and no word or figure stands right before it."""
    behind = text[start + 1 : start + 2]
    before = text[start - 1 : start] if start else " "
    return behind.isdigit() and not before.isalnum()
