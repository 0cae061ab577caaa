"""What is wrong with files people wrote: each mistake with file and line, all of them at once."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from edgebot.core.errors import UnderstandingError


@dataclass(frozen=True, slots=True)
class Mistake:
    """One thing wrong, or doubtful, with a file."""

    where: str
    """``file:line``."""

    message: str
    severity: Literal["error", "warning"] = "error"

    def __str__(self) -> str:
        text = f"{self.where}: {self.message}"
        # What stands in the file must not garble the terminal it is shown on.
        return "".join(c if c.isprintable() else c.encode("unicode_escape").decode() for c in text)


def _place(mistake: Mistake) -> tuple[str, int]:
    file, _, line = mistake.where.rpartition(":")
    return file, int(line) if line.isdigit() else 0


class WrongSentences(UnderstandingError):
    """Sentence files hold one mistake or several."""

    def __init__(self, mistakes: Sequence[Mistake]) -> None:
        self.mistakes = sorted(mistakes, key=_place)
        super().__init__(
            "the sentence files are wrong:\n  "
            + "\n  ".join(map(str, self.mistakes))
            + "\nMend the lines above, then run `edgebot intents check`."
        )


def near(name: str, known: Iterable[str]) -> str:
    """A hint to add to a message about an unknown ``name``: the nearest known one, or all."""
    names = sorted(set(known))
    found = difflib.get_close_matches(name, names, n=1)
    if found:
        return f"; did you mean '{found[0]}'?"
    if 0 < len(names) <= 12:
        return f"; known: {', '.join(names)}"
    return ""
