"""Retrieval, answers and honest refusals of the knowledge base."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.common import say, table
from benchmarks.knowledge_answers import KEYS, answers, read_by_model, refusals, share
from benchmarks.knowledge_data import SETS, Asked, outside, questions, write_passages
from edgebot.config.loader import load_settings
from edgebot.core.embedding import TokenEmbedder
from edgebot.knowledge.base import SqliteKnowledgeBase
from edgebot.knowledge.ingest import Importer
from edgebot.knowledge.lexical import LexicalIndex
from edgebot.knowledge.store import KnowledgeStore
from edgebot.knowledge.vectors import VectorScan
from edgebot.knowledge.words import content_words
from edgebot.runtime.wiring import Assembly

DEPTH = 10


def run(quick: bool) -> dict[str, Any]:
    """All figures; ``quick`` asks a tenth of the questions."""
    figures: dict[str, Any] = {"sets": {}}
    with tempfile.TemporaryDirectory() as name, Assembly(load_settings()) as assembly:
        folder = Path(name)
        embedder = assembly.embedder()
        threshold = assembly.settings.knowledge.threshold
        figures["threshold"] = threshold
        passages = assembly.settings.knowledge.passages
        for one in SETS:
            say(f"{one}: importing and asking")
            write_passages(one, folder / one)
            store = KnowledgeStore(folder / f"{one}.db")
            Importer(store, embedder, 1 << 30).run([folder / one])
            asked = questions(one)[:: 10 if quick else 1]
            figures["sets"][one] = {
                "retrieval": retrieval(store, embedder, asked),
                "answers": answers(store, embedder, threshold, asked),
            }
            if reader := assembly.passage_reader():
                say(f"{one}: read by the language model")
                figures["sets"][one]["read"] = read_by_model(
                    store, embedder, threshold, asked[:: 1 if quick else 15], reader, passages
                )
        others = outside(100 if quick else 400, seed=99)
        figures["outside"] = refusals(store, embedder, threshold, others)
    return figures


def retrieval(store: KnowledgeStore, embedder: TokenEmbedder, asked: list[Asked]) -> dict[str, Any]:
    """recall@1, recall@5 and MRR of the file with the answer, by words, by meaning and fused."""
    knowledge = SqliteKnowledgeBase(store, embedder, 0.0)
    lexical = LexicalIndex(store)
    scan = VectorScan(store, embedder.model_id, embedder.dimensions)
    lexical.refresh()
    scan.refresh()
    source = {
        number: Path(path).stem
        for number, path in store.query(
            "SELECT p.id, d.source FROM passages p JOIN documents d ON d.id = p.document_id"
        )
    }
    ranks: dict[str, list[int | None]] = {"BM25": [], "embeddings": [], "fused": []}
    for one in asked:
        if one.kind != "answerable":
            continue
        vector = embedder.embed([one.text])[0]
        found = {
            "BM25": [source[n] for n in lexical.search(content_words(one.text), 4 * DEPTH)],
            "embeddings": [source[n] for n in scan.nearest(vector, 4 * DEPTH)],
            "fused": [Path(p.source).stem for p in knowledge.search(one.text, 2 * DEPTH)],
        }
        for way, files in found.items():
            ordered = list(dict.fromkeys(files))[:DEPTH]
            ranks[way].append(ordered.index(one.source) if one.source in ordered else None)
    return {
        way: {
            "recall@1": share(rank == 0 for rank in found),
            "recall@5": share(rank is not None and rank < 5 for rank in found),
            "mrr": share(0.0 if rank is None else 1 / (1 + rank) for rank in found),
            "questions": len(found),
        }
        for way, found in ranks.items()
    }


def report(figures: dict[str, Any]) -> str:
    """The figures as Markdown."""
    found = [
        (name, way, row["questions"], row["recall@1"], row["recall@5"], row["mrr"])
        for name, one in figures["sets"].items()
        for way, row in one["retrieval"].items()
    ]
    told = [  # an older measurement lacks some of it
        (name, *(one["answers"].get(key, "–") for key in KEYS))
        for name, one in figures["sets"].items()
    ]
    return "\n\n".join(
        [
            "Finding the file that holds the answer:",
            table(("set", "by", "questions", "recall@1", "recall@5", "MRR"), found),
            f"Extracted answers (it answers from a confidence of {figures['threshold']}). *Answer* "
            "is the field of `kb answer --json`: the few words where they are likely, else "
            "the sentence; *spoken* has the source in it. *Short* is the share of the former. "
            "Unanswerable questions were written to look as if the passage answered them.",
            table(("set", *(key.replace("_", " ") for key in KEYS)), told),
            *_read(figures["sets"]),
            f"Of {figures['outside']['questions']} questions about something else altogether "
            f"{figures['outside']['honest_refusals']:.1%} are refused.",
            "The models of the knowledge base are fitted on these sets; "
            "`python -m benchmarks.fit_knowledge` prints what they do on articles they have not "
            "seen.",
        ]
    )


def _read(sets: dict[str, Any]) -> list[str]:
    """What the language model of this machine's profile makes of the passages."""
    rows = [
        (name, *(one["read"][key] for key in (*KEYS, "worded_by_the_model")))
        for name, one in sets.items()
        if "read" in one
    ]
    if not rows:
        return []
    names = (key.replace("_", " ") for key in (*KEYS, "worded_by_the_model"))
    return [
        "Worded by the language model from the passages, on a sample, and checked against them:",
        table(("set", *names), rows),
    ]


if __name__ == "__main__":
    from benchmarks.common import write_result

    result = run("--quick" in sys.argv)
    write_result("knowledge", result, "python -m benchmarks knowledge")
    print(report(result))
