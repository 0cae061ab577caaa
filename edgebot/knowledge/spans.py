"""Stretches of words in a passage that may answer a question by themselves."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from edgebot.core.embedding import TokenVectors, Vectors
from edgebot.knowledge.porter import stem
from edgebot.knowledge.sentences import split_sentences
from edgebot.knowledge.vocabulary import INSIDE
from edgebot.knowledge.words import STOP_WORDS, fold

Places: TypeAlias = npt.NDArray[np.int64]

MAX_WORDS = 10
"""Longest stretch."""

_WORD = re.compile(r"[$€£]?\w+(?:[’'.,:/–-]\w+)*[%°]?")
_ARTICLES = frozenset({"the", "a", "an"})


@dataclass(frozen=True, slots=True)
class Words:
    """The words of a text, with what surrounds each."""

    text: str
    plain: tuple[str, ...]
    """As they stand."""

    folded: tuple[str, ...]
    stems: tuple[str, ...]
    starts: Places
    ends: Places
    """Where each stands, in characters."""

    sentence: Places
    """Number of the sentence of each."""

    before: tuple[str, ...]
    """The marks between the word before and this one; a line end where a sentence starts."""

    def __len__(self) -> int:
        return len(self.plain)


def words_in(text: str) -> Words:
    """Take ``text`` apart."""
    bounds: list[int] = []
    end = 0
    for sentence in split_sentences(text):
        end = max(text.find(sentence, end), end)
        bounds.append(end)
        end += len(sentence)
    found = list(_WORD.finditer(text))
    starts = np.array([one.start() for one in found], np.int64)
    ends = np.array([one.end() for one in found], np.int64)
    of: Places = np.searchsorted(np.array(bounds, np.int64), starts, side="right") - 1
    plain = tuple(one[0] for one in found)
    folded = tuple(map(fold, plain))
    before = [
        "\n" if of[one] != of[one - 1] else text[ends[one - 1] : starts[one]].strip()
        for one in range(1, len(found))
    ]
    stems = tuple(map(stem, folded))
    return Words(text, plain, folded, stems, starts, ends, of, ("\n", *before)[: len(plain)])


def candidates(words: Words, sentences: Sequence[int]) -> tuple[Places, Places]:
    """First and last word of each stretch in ``sentences`` that may be an answer."""
    wanted = set(sentences)
    firsts: list[int] = []
    lasts: list[int] = []
    small = [_is_small(words, one) for one in range(len(words))]
    for first in range(len(words)):
        if int(words.sentence[first]) not in wanted:
            continue
        if small[first] and words.folded[first] not in _ARTICLES:
            continue
        for last in range(first, min(first + MAX_WORDS, len(words))):
            if last > first and not _joined(words.before[last]):
                break
            if not small[last]:
                firsts.append(first)
                lasts.append(last)
            elif words.folded[last] not in INSIDE:
                break
    return np.array(firsts, np.int64), np.array(lasts, np.int64)


def _is_small(words: Words, one: int) -> bool:
    """A word that holds a sentence together; capitals within a sentence are part of a name."""
    if words.folded[one] not in STOP_WORDS:
        return False
    return not (words.plain[one][0].isupper() and words.before[one] != "\n" and one > 0)


def _joined(between: str) -> bool:
    return between in ("", ",", "-", "–", '"', "“", "”", "'", "’", "‘", "&", '",', ',"')


def word_vectors(words: Words, pieces: TokenVectors) -> Vectors:
    """The mean of the pieces of each word; zeros for words the encoder has not seen."""
    size = pieces.vectors.shape[1] if pieces.vectors.ndim == 2 else 0
    vectors = np.zeros((len(words), size), np.float32)
    counts = np.zeros(len(words), np.float32)
    starts = np.array([span[0] for span in pieces.spans], np.int64)
    owners = np.searchsorted(words.starts, starts, side="right") - 1
    for piece, (owner, (start, _)) in enumerate(zip(owners.tolist(), pieces.spans, strict=True)):
        if owner >= 0 and start < words.ends[owner]:
            vectors[owner] += pieces.vectors[piece]
            counts[owner] += 1
    return np.asarray(vectors / np.maximum(counts, 1.0)[:, np.newaxis], np.float32)


def text_of(words: Words, first: int, last: int) -> str:
    """The stretch as it is said by itself."""
    text = words.text[words.starts[first] : words.ends[last]]
    return " ".join(text.split()).strip(" ,;:-–\"“”'‘’")
