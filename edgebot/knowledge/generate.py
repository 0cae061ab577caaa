"""Answers worded by a language model from the passages, with the quotation to fall back on."""

from __future__ import annotations

import dataclasses

from edgebot.core.cancel import Cancellation
from edgebot.core.errors import EdgebotError
from edgebot.core.knowledge import KnowledgeAnswer, Passage, PassageReader
from edgebot.core.orders import is_order
from edgebot.knowledge.sentences import split_sentences
from edgebot.knowledge.words import STOP_WORDS, stems_of


def generated(
    query: str,
    quoted: KnowledgeAnswer,
    reader: PassageReader,
    passages: int,
    cancellation: Cancellation,
) -> KnowledgeAnswer:
    """``quoted`` in the reader's words; ``quoted`` itself when the reader fails or strays.

    The reader sees the first ``passages`` passages and checks its own words against them. Pairs of
    question and answer are spoken as they were written.
    """
    shown = tuple(without_orders(one) for one in quoted.passages[:passages])
    shown = tuple(one for one in shown if one.text)
    if not shown or _is_pair(quoted, shown):
        return quoted
    try:
        text = " ".join(reader.read(query, shown, cancellation)).strip()
    except EdgebotError:  # what it said is not in the passages, or the model failed
        return quoted
    if not text:
        return quoted
    short = quoted.short if quoted.short.lower() in text.lower() else ""
    sources = _used(text, quoted, shown)
    return dataclasses.replace(quoted, text=text, kind="llm", sources=sources, short=short)


def without_orders(passage: Passage) -> Passage:
    """``passage`` without the sentences that tell an assistant what to do."""
    sentences = split_sentences(passage.text)
    kept = [sentence for sentence in sentences if not is_order(sentence)]
    if len(kept) == len(sentences):
        return passage
    return dataclasses.replace(passage, text=" ".join(kept))


def _is_pair(quoted: KnowledgeAnswer, shown: tuple[Passage, ...]) -> bool:
    return any(one.question and one.text == quoted.text for one in shown)


def _used(text: str, quoted: KnowledgeAnswer, shown: tuple[Passage, ...]) -> tuple[str, ...]:
    """The sources that hold most of the words of the answer, the quotation's first."""
    said = {stem for stem in stems_of(text) if stem not in STOP_WORDS}
    held = {one.source: 0 for one in shown}
    for one in shown:
        words = set(stems_of(f"{one.title} {one.heading} {one.text}"))
        held[one.source] = max(held[one.source], len(said & words))
    most = max(held.values(), default=0)
    best = [source for source, count in held.items() if most and count >= 0.9 * most]
    return tuple(best) or quoted.sources
