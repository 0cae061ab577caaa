"""Retrieval, answers, honest refusals, speed and memory of the knowledge base."""

from __future__ import annotations

import os
import statistics
import sys
import tempfile
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from benchmarks.common import RESULTS, say, table
from benchmarks.knowledge_answers import KEYS, answers, read_by_model, refusals, share
from benchmarks.knowledge_data import SETS, Asked, outside, questions, write_passages
from benchmarks.knowledge_growth import measure
from benchmarks.line_chart import line_chart
from edgebot.config.loader import load_settings
from edgebot.core.embedding import TokenEmbedder
from edgebot.knowledge.base import SqliteKnowledgeBase
from edgebot.knowledge.ingest import Importer
from edgebot.knowledge.lexical import LexicalIndex
from edgebot.knowledge.store import KnowledgeStore
from edgebot.knowledge.vectors import VectorScan
from edgebot.knowledge.words import content_words
from edgebot.runtime.wiring import Assembly

SIZES = (1_000, 5_000, 10_000, 100_000)
DEPTH = 10


def run(quick: bool) -> dict[str, Any]:
    """All figures; ``quick`` asks a tenth of the questions and stops at 10,000 passages."""
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
        figures["import"] = import_speed(folder, assembly)
    figures["load_average"] = round(os.getloadavg()[0], 1)
    figures["growth"] = growth(SIZES[:3] if quick else SIZES)
    chart(figures["growth"])
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


def import_speed(folder: Path, assembly: Assembly) -> dict[str, Any]:
    """Passages a second, from files to the finished database, on all cores."""
    store = KnowledgeStore(folder / "speed.db")
    importer = assembly.importer(store)
    began, worked, passages = time.perf_counter(), time.process_time(), 0
    for name in SETS:
        passages += importer.run([folder / name]).passages
    took, cpu = time.perf_counter() - began, time.process_time() - worked
    words = [len(text.split()) for (text,) in store.query("SELECT text FROM passages")]
    store.close()
    return {
        "passages_per_s": round(passages / took, 1),
        "passages_per_cpu_s": round(passages / cpu, 1),
        "words_a_passage": round(statistics.mean(words)),
    }


def growth(sizes: Iterable[int]) -> list[dict[str, Any]]:
    """Time and memory as the base grows, each size in a process of its own."""
    rows = []
    for size in sizes:
        say(f"{size} passages")
        rows.append(measure(size))
    return rows


def chart(rows: list[dict[str, Any]]) -> None:
    """Search time and memory over the number of passages."""
    RESULTS.mkdir(exist_ok=True)
    points = [row["passages"] for row in rows]
    svg = line_chart(
        "The knowledge base as it grows",
        "passages",
        points,
        {
            "search, median (ms)": [row["search_ms"]["median"] for row in rows],
            "search, CPU time, p95 (ms)": [row["search_cpu_ms"]["p95"] for row in rows],
            "resident memory (MB)": [row["resident_mb"] for row in rows],
        },
    )
    (RESULTS / "knowledge_growth.svg").write_text(svg, encoding="utf-8")


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
    grown = [
        (
            row["passages"],
            row["search_ms"]["median"],
            row["search_ms"]["p95"],
            row["search_cpu_ms"]["median"],
            row["search_cpu_ms"]["p95"],
            row["answer_ms"]["median"],
            row["resident_mb"],
            row["file_mb"],
        )
        for row in figures["growth"]
    ]
    speed = figures["import"]
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
            f"Import: {speed['passages_per_s']} passages a second, "
            f"{speed['passages_per_cpu_s']} a second of CPU time "
            f"({speed['words_a_passage']} words each).",
            table(
                (
                    "passages",
                    "search ms",
                    "p95",
                    "CPU ms",
                    "p95",
                    "answer ms",
                    "resident MB",
                    "file MB",
                ),
                grown,
            ),
            f"Load average while this was measured: {figures['load_average']}. The models of the "
            "knowledge base are fitted on these sets; `python -m benchmarks.fit_knowledge` prints "
            "what they do on articles they have not seen.",
            "![growth](results/knowledge_growth.svg)",
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
