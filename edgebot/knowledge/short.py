"""The few words of a sentence that answer a question by themselves.

Dates, numbers, names and noun groups are taken from the sentence and judged by a logistic model:
is it the kind of thing asked for, does it stand near the words of the question without being one
of them, what stands in front of it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from edgebot.knowledge.features import Question
from edgebot.knowledge.logistic import fitted
from edgebot.knowledge.words import STOP_WORDS, fold, stems_of

KINDS = ("number", "person", "place", "time")
"""Kinds of answers that have an outward sign; nothing is singled out for the others."""

SURE = 0.1
"""Probability below which no part of the sentence is singled out."""

MAX_WORDS = 9

_WORD = re.compile(r"[\w’'°$€£%./,:-]*\w[%°]?|[$€£]")
_NUMBER = re.compile(
    r"[$€£]? ?\d[\d.,:/–-]*\d|[$€£]? ?\d|\b(?:one|two|three|four|five|six|seven|eight|nine|ten|"
    r"eleven|twelve|thirteen|fifteen|twenty|thirty|forty|fifty|sixty|seventy|eighty|ninety|hundred|"
    r"thousand|million|billion|half|dozen|third|quarter|first|second)s?\b",
    re.IGNORECASE,
)
_DATE = re.compile(
    r"\b(?:\d{3,4}s?\b|\d{1,2}(?:st|nd|rd|th)\b|January|February|March|April|May|June|July|August|"
    r"September|October|November|December|centur\w+|decades?|years?|BCE?|AD|CE|Monday|Tuesday|"
    r"Wednesday|Thursday|Friday|Saturday|Sunday|spring|summer|autumn|winter)\b"
)
_LINKS = frozenset({"of", "the", "and", "de", "la", "von", "van", "for", "in", "&"})
_IN_FRONT = {
    "by": "by",
    "in": "in",
    "at": "in",
    "near": "in",
    "from": "from",
    "on": "in",
    "of": "of",
    "is": "be",
    "was": "be",
    "are": "be",
    "were": "be",
    "as": "as",
    "called": "as",
    "named": "as",
    "to": "to",
    "the": "the",
    "a": "a",
    "an": "a",
    "because": "because",
}


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of words in a sentence."""

    first: int
    last: int
    """Index of its first and its last word."""

    text: str


def short_answer(question: Question, sentence: str) -> str:
    """The part of ``sentence`` that answers by itself; empty when none stands out."""
    if question.kind not in KINDS:
        return ""
    model = fitted("span")
    judged = [
        (model.probability(span_features(question, words, span)), span.text)
        for words, span in spans(sentence)
    ]
    if not judged:
        return ""
    score, text = max(judged, key=lambda pair: pair[0])
    return text if score >= SURE else ""


def spans(sentence: str) -> Iterator[tuple[list[str], Span]]:
    """Stretches that may be an answer, each with the words of the sentence."""
    found = list(_WORD.finditer(sentence))
    words = [one[0].strip(".,:/-'’") for one in found]
    seen: set[tuple[int, int]] = set()
    for first in range(len(words)):
        for last in range(first, min(first + MAX_WORDS, len(words))):
            between = sentence[found[last - 1].end() : found[last].start()] if last > first else " "
            if between.strip(" '’\"“”") and between.strip() not in ("-", "–", ","):
                break  # a bracket or a full stop: another group of words
            if (first, last) not in seen and _may_answer(words, first, last):
                seen.add((first, last))
                text = sentence[found[first].start() : found[last].end()].strip(" .,:;'’-")
                yield words, Span(first, last, text)


def _may_answer(words: list[str], first: int, last: int) -> bool:
    """A group of nouns: it neither starts nor ends with a small word, nor holds a verb's helper."""
    inner = [fold(word) for word in words[first : last + 1]]
    if not inner[0] or not inner[-1] or inner[-1] in STOP_WORDS:
        return False
    if inner[0] in STOP_WORDS and inner[0] not in ("the", "a", "an"):
        return False
    return all(word not in STOP_WORDS or word in _LINKS for word in inner[1:-1])


def span_features(question: Question, words: list[str], span: Span) -> dict[str, float]:
    """What speaks for a stretch of words as the answer."""
    inside = words[span.first : span.last + 1]
    content = [word for word in inside if fold(word) not in STOP_WORDS]
    known = sum(stem in question.weights for word in content for stem in stems_of(word)[:1])
    share = known / max(len(content), 1)
    before = fold(words[span.first - 1]) if span.first else ""
    after = fold(words[span.last + 1]) if span.last + 1 < len(words) else ""
    name = all(word[:1].isupper() for word in content)
    date = bool(_DATE.search(span.text))
    number = bool(_NUMBER.search(span.text))
    features = {
        "known": share,
        "all_known": float(share == 1.0),
        "length": len(inside) / MAX_WORDS,
        "single": float(len(inside) == 1),
        "name": float(name),
        "date": float(date),
        "number": float(number),
        "place": span.first / max(len(words), 1),
        "near": _nearness(question, words, span),
        "name_goes_on": float(name and (before[:1] != "" and _capital(words, span.first - 1))),
        "name_goes_on_behind": float(name and _capital(words, span.last + 1)),
        "number_goes_on": float(number and bool(_NUMBER.search(after))),
        "group_goes_on": float(bool(after) and after not in STOP_WORDS),
        "group_began": float(bool(before) and before not in STOP_WORDS),
        f"behind_{_IN_FRONT.get(before, 'word')}": 1.0,
    }
    kind = question.kind
    for sign in ("name", "date", "number"):
        features[f"{kind}_{sign}"] = features[sign]
    features[f"{kind}_behind_{_IN_FRONT.get(before, 'word')}"] = 1.0
    features[f"{kind}_plain"] = float(not (name or date or number))
    return features


def _capital(words: list[str], place: int) -> bool:
    return 0 < place < len(words) and words[place][:1].isupper()


def _nearness(question: Question, words: list[str], span: Span) -> float:
    """How close the question's words stand, the rare ones counting most; 0 … 1."""
    near = 0.0
    for place, word in enumerate(words):
        if span.first <= place <= span.last:
            continue
        weight = max((question.weights.get(stem, 0.0) for stem in stems_of(word)), default=0.0)
        distance = span.first - place if place < span.first else place - span.last
        near += weight / (1 + distance)
    return min(near, 1.0)
