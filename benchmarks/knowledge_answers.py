"""How well the knowledge base answers: exact match and F1 as SQuAD scores them, and refusals."""

from __future__ import annotations

import collections
import re
import string
from collections.abc import Iterable, Sequence
from typing import Any

from benchmarks.knowledge_data import Asked
from edgebot.cli.kb import answer_fields, answered
from edgebot.core.embedding import TokenEmbedder
from edgebot.core.knowledge import KnowledgeAnswer, PassageReader
from edgebot.knowledge.base import SqliteKnowledgeBase
from edgebot.knowledge.store import KnowledgeStore

KEYS = (
    "answerable",
    "false_refusals",
    "holds_the_answer",
    "holds_the_answer_of_answered",
    "answer_em",
    "answer_f1",
    "spoken_em",
    "spoken_f1",
    "short",
    "short_em",
    "short_f1",
    "unanswerable",
    "honest_refusals",
)


def answers(
    store: KnowledgeStore, embedder: TokenEmbedder, threshold: float, asked: Sequence[Asked]
) -> dict[str, Any]:
    """How well questions are answered by quoting, and whether those that cannot be are refused."""
    knowledge = SqliteKnowledgeBase(store, embedder, threshold)
    return scored((one, knowledge.answer(one.text)) for one in asked)


def read_by_model(
    store: KnowledgeStore,
    embedder: TokenEmbedder,
    threshold: float,
    asked: Sequence[Asked],
    reader: PassageReader,
    passages: int,
) -> dict[str, Any]:
    """The same where a language model words the answers from the passages."""
    knowledge = SqliteKnowledgeBase(store, embedder, threshold)
    given = [(one, answered(one.text, knowledge, reader, passages)) for one in asked]
    worded = [answer.kind == "llm" for _, answer in given if answer.kind != "none"]
    return {**scored(given), "worded_by_the_model": share(worded)}


def scored(given: Iterable[tuple[Asked, KnowledgeAnswer]]) -> dict[str, Any]:
    """``answer`` is what ``kb answer --json`` calls so, ``spoken`` what is said."""
    rows = [_row(asked, answer) for asked, answer in given]
    good = [row for row in rows if row["kind"] == "answerable"]
    tricky = [row for row in rows if row["kind"] == "tricky"]
    said = [row for row in good if not row["refused"]]
    short = [row for row in good if row["short"]]
    overlaps = ("answer_em", "answer_f1", "spoken_em", "spoken_f1")
    return {
        "answerable": len(good),
        "false_refusals": share(row["refused"] for row in good),
        "holds_the_answer": share(row["held"] for row in good),
        "holds_the_answer_of_answered": share(row["held"] for row in said),
        **{key: share(row[key] for row in good) for key in overlaps},
        "short": share(row["short"] for row in good),
        "short_em": share(row["answer_em"] for row in short),
        "short_f1": share(row["answer_f1"] for row in short),
        "unanswerable": len(tricky),
        "honest_refusals": share(row["refused"] for row in tricky) if tricky else None,
    }


def _row(asked: Asked, given: KnowledgeAnswer) -> dict[str, Any]:
    gold = asked.answers or ("",)
    answer = answer_fields(asked.text, given)["answer"]
    return {
        "kind": asked.kind,
        "refused": given.kind == "none",
        "short": bool(given.short),
        "held": any(one.lower() in given.text.lower() for one in asked.answers),
        "answer_em": max(exact(answer, one) for one in gold),
        "answer_f1": max(f1(answer, one) for one in gold),
        "spoken_em": max(exact(given.text, one) for one in gold),
        "spoken_f1": max(f1(given.text, one) for one in gold),
    }


def refusals(
    store: KnowledgeStore, embedder: TokenEmbedder, threshold: float, asked: list[Asked]
) -> dict[str, Any]:
    """Questions about anything but the documents."""
    knowledge = SqliteKnowledgeBase(store, embedder, threshold)
    refused = [knowledge.answer(one.text).kind == "none" for one in asked]
    return {"questions": len(asked), "honest_refusals": share(refused)}


def share(values: Iterable[Any]) -> float:
    counted = [float(value) for value in values]
    return round(sum(counted) / len(counted), 4) if counted else 0.0


def plain(text: str) -> list[str]:
    """SQuAD's normalisation: lower case, no punctuation, no articles."""
    text = re.sub(f"[{re.escape(string.punctuation)}]", "", text.lower())
    return [word for word in text.split() if word not in ("a", "an", "the")]


def exact(given: str, gold: str) -> float:
    return float(plain(given) == plain(gold))


def f1(given: str, gold: str) -> float:
    """Overlap of words, as SQuAD scores it."""
    mine, theirs = plain(given), plain(gold)
    if not mine or not theirs:
        return float(mine == theirs)
    common = sum((collections.Counter(mine) & collections.Counter(theirs)).values())
    return 2 * common / (len(mine) + len(theirs))
