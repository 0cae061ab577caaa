"""Which of labelled texts are learnt from and which are judged."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence
from typing import TypeAlias

from edgebot.core.errors import UsageError
from edgebot.nlu.classifier.model import OUT_OF_SCOPE

Rows: TypeAlias = list[tuple[str, str]]


def split(rows: Sequence[tuple[str, str]], held_out: int, most: int = 100_000) -> tuple[Rows, Rows]:
    """Training and test rows; of each intent one in ``held_out`` is held out."""
    shuffled = [row for row in rows if row[1] != OUT_OF_SCOPE]
    random.Random(7).shuffle(shuffled)
    seen: Counter[str] = Counter()
    parts: tuple[Rows, Rows] = ([], [])
    for row in shuffled[:most]:
        seen[row[1]] += 1
        parts[seen[row[1]] % held_out == 0].append(row)
    if not parts[1]:
        raise UsageError("too few labelled texts to hold some out; name a larger file")
    return parts
