"""Words, pairs of words and pieces of words as weighted features (TF-IDF).

Sublinear term frequency times inverse document frequency, words and pieces of words each of length
one: Salton and Buckley, "Term-weighting approaches in automatic text retrieval" (1988). Pieces of
words carry over spelling mistakes and inflections; pairs of words carry word order.
"""

from __future__ import annotations

import itertools
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Floats: TypeAlias = npt.NDArray[np.float32]
Ints: TypeAlias = npt.NDArray[np.int32]

_WORD = re.compile(r"[^\W_]+(?:['’][^\W_]+)*")
_PIECES = (3, 4)
MAX_FEATURES = 40_000
MAX_WORDS = 120
"""What lies behind in a text is not looked at."""


@dataclass(frozen=True, slots=True)
class SparseRow:
    """The features of one text."""

    columns: Ints
    values: Floats


def words_of(text: str) -> list[str]:
    """The words of ``text`` as features see them."""
    return [word.replace("’", "'") for word in _WORD.findall(text.casefold())][:MAX_WORDS]


def grams_of_words(words: Sequence[str]) -> Iterator[str]:
    """Features of ``words``: ``w`` a word, ``b`` two neighbours, ``c`` a piece of a word."""
    for word in words:
        yield f"w{word}"
    ends = ["", *words, ""]
    for left, right in itertools.pairwise(ends):
        yield f"b{left} {right}"
    for word in words:
        padded = f" {word} "
        for length in _PIECES:
            for start in range(len(padded) - length + 1):
                yield f"c{padded[start : start + length]}"


class NgramFeatures:
    """The n-grams that training texts have in common, and how rare each is."""

    def __init__(self, grams: Sequence[str], idf: Floats) -> None:
        self.grams = list(grams)
        self.idf = idf
        """Shape (len(grams),)."""

        self._column = {gram: column for column, gram in enumerate(self.grams)}
        self._is_piece = np.array([gram.startswith("c") for gram in self.grams], bool)

    @classmethod
    def fit(cls, texts: Sequence[str]) -> NgramFeatures:
        """The n-grams that occur in two texts at least, the most frequent :data:`MAX_FEATURES`."""
        seen: Counter[str] = Counter()
        for text in texts:
            seen.update(set(grams_of_words(words_of(text))))
        kept = sorted(
            (gram for gram, count in seen.items() if count > 1),
            key=lambda gram: (-seen[gram], gram),
        )[:MAX_FEATURES]
        counts = np.array([seen[gram] for gram in kept], np.float64)
        idf = np.log((1.0 + len(texts)) / (1.0 + counts)) + 1.0
        return cls(kept, idf.astype(np.float32))

    def __len__(self) -> int:
        return len(self.grams)

    def row(self, text: str) -> SparseRow:
        """Features of ``text``; words and pieces of words have length one each."""
        return self.row_of_words(words_of(text))

    def row_of_words(self, words: Sequence[str]) -> SparseRow:
        """Features of words that are already taken apart."""
        counts = Counter(gram for gram in grams_of_words(words) if gram in self._column)
        columns = np.array([self._column[gram] for gram in counts], np.int32)
        often = np.array(list(counts.values()), np.float32)
        values = (1.0 + np.log(often)) * self.idf[columns] if len(columns) else often
        pieces = self._is_piece[columns] if len(columns) else np.zeros(0, bool)
        for part in (pieces, ~pieces):
            length = float(np.sqrt(np.sum(np.square(values[part]))))
            if length > 0:
                values[part] /= length
        return SparseRow(columns, values.astype(np.float32))
