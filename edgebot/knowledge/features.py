"""What speaks for a passage, or a sentence of it, as the answer to a question: numbers, 0 … 1."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from edgebot.knowledge.porter import stem
from edgebot.knowledge.questions import AnswerType, answer_type, holds
from edgebot.knowledge.words import content_words, words_of

_NEAR = 4  # words between two that stand together


@dataclass(frozen=True, slots=True)
class Question:
    """A question, taken apart once."""

    text: str
    words: tuple[str, ...]
    """What it is about, each word once."""

    weights: Mapping[str, float]
    """Stem → share of the question's information (inverse document frequency); sums to 1."""

    kind: AnswerType
    known: frozenset[str]
    """All its words, folded."""

    information: float
    """Sum of the inverse document frequencies."""

    idf: Callable[[str], float]
    """How rare a stem is."""

    pairs: tuple[tuple[str, str], ...] = field(default=())
    """Stems that follow one another."""


def take_apart(text: str, idf: Callable[[str], float]) -> Question:
    """Analyse a question; ``idf`` tells how rare a stem is."""
    words = content_words(text)
    stems = list(dict.fromkeys(map(stem, words)))
    rarity = {one: idf(one) for one in stems}
    total = sum(rarity.values()) or 1.0
    return Question(
        text=text,
        words=tuple(words),
        weights={one: value / total for one, value in rarity.items()},
        kind=answer_type(text),
        known=frozenset(words_of(text)),
        information=total,
        idf=idf,
        pairs=tuple(itertools.pairwise(stems)),
    )


def coverage(question: Question, stems: set[str]) -> float:
    """Share of the question's information that ``stems`` hold."""
    return sum(weight for one, weight in question.weights.items() if one in stems)


def neighbours(question: Question, stems: Sequence[str]) -> float:
    """Share of the question's word pairs that stand close together in a text."""
    if not question.pairs:
        return 0.0
    places: dict[str, list[int]] = {}
    for place, one in enumerate(stems):
        if one in question.weights:
            places.setdefault(one, []).append(place)
    close = sum(
        any(abs(a - b) <= _NEAR for a in places.get(first, ()) for b in places.get(second, ()))
        for first, second in question.pairs
    )
    return close / len(question.pairs)


def numbers_found(question: Question, words: set[str]) -> float:
    """Share of the question's numbers that a text holds; 1 when it has none."""
    numbers = [word for word in question.words if any(mark.isdigit() for mark in word)]
    return sum(one in words for one in numbers) / len(numbers) if numbers else 1.0


def heaviest_missing(question: Question, stems: set[str]) -> float:
    """Weight of the most telling word of the question that a text lacks."""
    return max((weight for one, weight in question.weights.items() if one not in stems), default=0)


def type_sign(question: Question, text: str) -> float:
    """1 when the text holds the kind of thing that was asked for, 0 when not, ½ when unknown."""
    held = holds(question.kind, text, question.known)
    return 0.5 if held is None else float(held)


def wording_features(question: Question, wordings: Sequence[str]) -> dict[str, float]:
    """How nearly the question is one of the ``wordings`` of a pair, in both directions.

    "The boiling point of gold" shares most of its words with "the melting point of gold"; the one
    that is left over on each side tells them apart.
    """
    best = {"wording_coverage": 0.0, "wording_excess": 1.0, "wording_same": 0.0}
    for wording in wordings:
        stems = {stem(word) for word in content_words(wording)}
        total = sum(map(question.idf, stems)) or 1.0
        excess = sum(question.idf(one) for one in stems if one not in question.weights) / total
        covered = coverage(question, stems)
        if covered - excess > best["wording_coverage"] - best["wording_excess"]:
            same = float(stems == set(question.weights))
            best = {"wording_coverage": covered, "wording_excess": excess, "wording_same": same}
    return best
