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
from edgebot.knowledge.sentences import split_sentences
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

    alignment: Alignment | None = None


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
        alignment = align(question, asked, passage.text, self._embedder.tokens(passage.text))
        model = fitted("sentence")
        choices = [
            choice
            for choice in sentence_features(question, passage, alignment)
            if not is_order(choice[1])
        ]
        if not choices:
            return Reading(passage, "", 0.0, {}, 0)
        ranked = sorted(choices, key=lambda choice: -model.logit(choice[2]))
        start, sentence, features = ranked[0]
        margin = model.logit(features) - model.logit(ranked[1][2]) if len(ranked) > 1 else 2.0
        features = {
            **{f"passage_{name}": value for name, value in _passage_signs(passage).items()},
            **alignment_features(question, alignment),
            **features,
            "sentence": model.probability(features),
            "margin": min(margin, 4.0) / 4.0,
        }
        score = fitted("answer").probability(features)
        return Reading(passage, sentence, score, features, start, alignment)

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
