"""Reading a passage: the sentence that answers best, and how sure that is."""

from __future__ import annotations

from dataclasses import dataclass

from edgebot.core.embedding import TokenEmbedder, TokenVectors
from edgebot.core.knowledge import Passage
from edgebot.core.orders import is_order
from edgebot.knowledge.align import Alignment, align, alignment_features
from edgebot.knowledge.features import (
    Question,
    coverage,
    heaviest_missing,
    neighbours,
    numbers_found,
    type_sign,
    wording_features,
)
from edgebot.knowledge.logistic import fitted
from edgebot.knowledge.mismatch import mismatch_features
from edgebot.knowledge.sentences import split_sentences
from edgebot.knowledge.short import short_answer
from edgebot.knowledge.words import stems_of


@dataclass(frozen=True, slots=True)
class Reading:
    """What was found in one passage."""

    passage: Passage
    sentence: str
    score: float
    """Probability, 0 … 1, that the sentence answers the question."""

    features: dict[str, float]
    start: int
    """Where the sentence starts in the passage, in characters."""

    short: str = ""
    """The few words of the sentence that answer by themselves."""

    short_score: float = 0.0
    """Probability, 0 … 1, that they are the answer."""


class Extractor:
    """Finds answers in passages."""

    def __init__(self, embedder: TokenEmbedder) -> None:
        self._embedder = embedder

    def read(self, question: Question, passages: list[Passage]) -> list[Reading]:
        """The best sentence of each passage, the surest first."""
        asked = self._embedder.tokens(question.text)
        readings = [self._read(question, asked, one) for one in passages]
        return sorted(readings, key=lambda one: -one.score)

    def _read(self, question: Question, asked: TokenVectors, passage: Passage) -> Reading:
        if passage.question:
            return self._read_pair(question, asked, passage)
        pieces = self._embedder.tokens(passage.text)
        alignment = align(question, asked, passage.text, pieces)
        choices = sentence_features(question, passage, alignment)
        model = fitted("sentence")
        logits = [
            float("-inf") if is_order(sentence) else model.logit(features)
            for _, sentence, features in choices
        ]
        best = max(range(len(choices)), key=logits.__getitem__)
        if logits[best] == float("-inf"):
            return Reading(passage, "", 0.0, {}, 0)
        short = short_answer(question, asked, passage.text, pieces, logits)
        chosen = _sentence_at(choices, short.start) if short else best
        start, sentence, features = choices[chosen]
        others = [logit for number, logit in enumerate(logits) if number != chosen]
        margin = logits[chosen] - max(others, default=logits[chosen] - 4.0)
        features = {
            **{f"passage_{name}": value for name, value in _passage_signs(passage).items()},
            **alignment_features(question, alignment),
            **features,
            **mismatch_features(question, sentence, _context(passage)),
            **(short.features if short else {}),
            "sentence": model.probability(features),
            "margin": max(min(margin, 4.0), -4.0) / 4.0,
        }
        score = fitted("answer").probability(features)
        if short is None:
            return Reading(passage, sentence, score, features, start)
        sure = fitted("short").probability({**features, **asked_for(question)}) * short.alone
        return Reading(passage, sentence, score, features, start, short.text, sure)

    def _read_pair(self, question: Question, asked: TokenVectors, passage: Passage) -> Reading:
        wordings = f"{passage.question}\n{passage.text}"
        alignment = align(question, asked, wordings, self._embedder.tokens(wordings))
        stems = stems_of(wordings)
        whole = {*stems, *stems_of(f"{passage.title} {passage.heading}")}
        features = {
            **{f"passage_{name}": value for name, value in _passage_signs(passage).items()},
            **alignment_features(question, alignment),
            **wording_features(question, passage.question.split("\n")),
            "coverage": coverage(question, whole),
            "missing": heaviest_missing(question, whole),
            "numbers": numbers_found(question, whole),
            "neighbours": neighbours(question, stems),
            "type": type_sign(question, passage.text),
        }
        score = fitted("pair").probability(features)
        return Reading(passage, passage.text, score, features, 0)


def _sentence_at(choices: list[tuple[int, str, dict[str, float]]], place: int) -> int:
    """Number of the sentence that holds character ``place``."""
    return max(number for number, (start, *_) in enumerate(choices) if start <= place or not number)


def _context(passage: Passage) -> set[str]:
    return set(stems_of(f"{passage.title} {passage.heading} {passage.text}"))


def asked_for(question: Question) -> dict[str, float]:
    """The kind of answer, as a sign."""
    return {f"asks_{question.kind}": 1.0}


def _passage_signs(passage: Passage) -> dict[str, float]:
    return {"score": passage.score, "cosine": max(passage.cosine, 0.0)}


def sentence_features(
    question: Question, passage: Passage, alignment: Alignment
) -> list[tuple[int, str, dict[str, float]]]:
    """(start, sentence, what speaks for it) for each sentence of a passage."""
    above = set(stems_of(f"{passage.title} {passage.heading}"))
    found = []
    end = 0
    for number, sentence in enumerate(split_sentences(passage.text) or [passage.text]):
        start = max(passage.text.find(sentence, end), end)
        end = start + len(sentence)
        stems = stems_of(sentence)
        features = {
            "sentence_align": alignment.within(start, end),
            "sentence_coverage": coverage(question, set(stems)),
            "sentence_context": coverage(question, set(stems) | above),
            "sentence_neighbours": neighbours(question, stems),
            "sentence_missing": heaviest_missing(question, set(stems) | above),
            "sentence_type": type_sign(question, sentence),
            "sentence_first": float(number == 0),
            "sentence_length": min(len(stems) / 40, 1.0),
        }
        found.append((start, sentence, features))
    return found
