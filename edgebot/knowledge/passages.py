"""Cutting documents into passages, at headings and between sentences."""

from __future__ import annotations

from collections.abc import Iterator

from edgebot.knowledge.document import Document, Draft, Section
from edgebot.knowledge.sentences import split_sentences

MAX_WORDS = 100
"""Longest passage; about 130 tokens, so that the encoder (256) sees all of it and is done soon."""

MIN_WORDS = 25
"""A shorter paragraph is joined with its neighbour under the same heading."""


def cut(document: Document, max_words: int = MAX_WORDS) -> list[Draft]:
    """The passages of ``document`` in their order, none twice."""
    drafts: dict[Draft, None] = {}
    for section in document.sections:
        heading = " › ".join(section.headings)
        for text in _packed(section, max_words):
            drafts[Draft(section.title or document.title, heading, text)] = None
    for pair in document.pairs:
        heading = " › ".join(pair.headings)
        questions = "\n".join(pair.questions)
        title = pair.title or document.title
        drafts[Draft(title, heading, pair.answer, questions, pair.reference)] = None
    return list(drafts)


def _packed(section: Section, max_words: int) -> Iterator[str]:
    """Paragraphs as passages: short ones joined, long ones cut between sentences."""
    waiting: list[str] = []
    for paragraph in section.text.split("\n\n"):
        waiting.append(paragraph)
        words = _count(waiting)
        if words < MIN_WORDS:
            continue
        if words > max_words and len(waiting) > 1:
            yield "\n".join(waiting[:-1])
            waiting = [paragraph]
        yield from _cut_long("\n".join(waiting), max_words)
        waiting = []
    if waiting and (rest := "\n".join(waiting).strip()):
        yield from _cut_long(rest, max_words)


def _cut_long(text: str, max_words: int) -> Iterator[str]:
    """``text`` in pieces of nearly the same length, none above ``max_words``."""
    words = len(text.split())
    if words <= max_words:
        yield text
        return
    target = words / -(-words // max_words)
    piece: list[str] = []
    for sentence in _short_enough(text, max_words):
        length = len(sentence.split())
        if piece and (_count(piece) + length > max_words or _count(piece) + length / 2 > target):
            yield "\n".join(piece) if "\n" in text else " ".join(piece)
            piece = []
        piece.append(sentence)
    if piece:
        yield "\n".join(piece) if "\n" in text else " ".join(piece)


def _short_enough(text: str, max_words: int) -> Iterator[str]:
    """Sentences; what never ends (a list of numbers, a language without spaces) is cut anywhere."""
    for sentence in split_sentences(text):
        words = sentence.split(" ")
        for start in range(0, len(words), max_words):
            part = " ".join(words[start : start + max_words])
            for offset in range(0, len(part), max_words * 16):
                if piece := part[offset : offset + max_words * 16].strip():
                    yield piece


def _count(texts: list[str]) -> int:
    return sum(len(text.split()) for text in texts)
