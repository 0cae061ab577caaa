"""Speed and memory of the knowledge base as it grows, each size in a process of its own.

The texts are sentences of WikiText-2 put together anew; their vectors are random above the first
thousand, since the exact search takes the same time whatever they are (the speed of encoding is
measured separately). CPU time is given beside elapsed time, since it means something on a busy
machine too.
"""

from __future__ import annotations

import json
import os
import random
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from benchmarks.common import RESULTS, SHARED_DATA, say, summary, table
from benchmarks.knowledge_data import SETS, read_lines, write_passages
from benchmarks.line_chart import line_chart
from edgebot.config.loader import load_settings
from edgebot.core.embedding import TokenEmbedder, Vectors
from edgebot.knowledge.ingest import Importer
from edgebot.knowledge.store import KnowledgeStore
from edgebot.runtime.wiring import Assembly

SIZES = (1_000, 5_000, 10_000, 100_000)
QUERIES = 200
REAL = 1000


def run(quick: bool) -> dict[str, Any]:
    """All figures; ``quick`` stops at 10,000 passages and imports once."""
    speeds = [import_speed() for _ in range(1 if quick else 3)]
    rows = []
    for size in SIZES[:3] if quick else SIZES:
        say(f"{size} passages")
        rows.append(measure(size))
    chart(rows)
    return {
        "import": sorted(speeds, key=lambda one: one["passages_per_s"])[len(speeds) // 2],
        "load_average": round(os.getloadavg()[0], 1),
        "growth": rows,
    }


def import_speed() -> dict[str, Any]:
    """Passages a second, from files to the finished database, on all cores."""
    with tempfile.TemporaryDirectory() as name, Assembly(load_settings()) as assembly:
        folder = Path(name)
        for one in SETS:
            write_passages(one, folder / one)
        store = KnowledgeStore(folder / "speed.db")
        importer = assembly.importer(store)
        began, worked = time.perf_counter(), time.process_time()
        passages = importer.run([folder / one for one in SETS]).passages
        took, cpu = time.perf_counter() - began, time.process_time() - worked
        words = [len(text.split()) for (text,) in store.query("SELECT text FROM passages")]
        store.close()
    return {
        "passages_per_s": round(passages / took, 1),
        "passages_per_cpu_s": round(passages / cpu, 1),
        "words_a_passage": round(statistics.mean(words)),
    }


class Filler:
    """Encodes the first texts, then makes vectors up."""

    def __init__(self, embedder: TokenEmbedder) -> None:
        self.model_id, self.dimensions = embedder.model_id, embedder.dimensions
        self._embedder = embedder
        self._left = REAL
        self._draw = np.random.default_rng(0)

    def embed(self, texts: Sequence[str]) -> Vectors:
        if self._left > 0:
            self._left -= len(texts)
            return self._embedder.embed(texts)
        made = self._draw.standard_normal((len(texts), self.dimensions)).astype(np.float32)
        return made / np.linalg.norm(made, axis=1, keepdims=True)

    def close(self) -> None:
        pass


def sentences() -> list[str]:
    """Sentences of WikiText-2 as people would write them."""
    raw = (SHARED_DATA / "llm" / "wikitext2" / "valid.txt").read_text(encoding="utf-8")
    text = re.sub(r" @(.)@ ", r"\1", raw.replace("<unk>", "someone"))
    text = re.sub(r" ([.,;:!?)'])", r"\1", text.replace("( ", "("))
    found = re.split(
        r"(?<=[.!?]) +", " ".join(line for line in text.split("\n") if " = " not in line)
    )
    return [one.strip() for one in found if 8 <= len(one.split()) <= 40]


def passage(draw: random.Random, pool: list[str]) -> str:
    """About sixty words."""
    return " ".join(draw.sample(pool, 3))


def write(folder: Path, count: int) -> None:
    """Text files of a thousand passages each, with different titles."""
    draw = random.Random(1)
    pool = sentences()
    for start in range(0, count, 1000):
        parts = [passage(draw, pool) for _ in range(min(1000, count - start))]
        (folder / f"part {start // 1000}.txt").write_text("\n\n".join(parts), encoding="utf-8")


def queries(seed: int = 5) -> list[str]:
    """Questions people searched the web for, and questions in words of the documents."""
    draw = random.Random(seed)
    entries = read_lines(SHARED_DATA / "qa" / "nq_open" / "dev.jsonl")
    asked = [entry["question"] for entry in draw.sample(entries, QUERIES // 2)]
    for sentence in draw.sample(sentences(), QUERIES - len(asked)):
        words = sentence.split()
        start = draw.randrange(max(1, len(words) - 8))
        asked.append("what is known about " + " ".join(words[start : start + 8]))
    return asked


def measure(count: int) -> dict[str, Any]:
    """Build a base of ``count`` passages in a process of its own, search it in another."""
    with tempfile.TemporaryDirectory() as name:
        texts = Path(name) / "texts"
        texts.mkdir()
        write(texts, count)
        module = [sys.executable, "-m", "benchmarks.knowledge_growth"]
        subprocess.run([*module, "build", name], check=True)
        done = subprocess.run([*module, "ask", name], check=True, capture_output=True, text=True)
    figures: dict[str, Any] = json.loads(done.stdout)
    return figures


def ask(folder: Path) -> dict[str, Any]:
    """Search and answer from the base in ``folder``; this process does nothing else."""
    environ = {"EDGEBOT_STATE_DIR": str(folder), "EDGEBOT_KNOWLEDGE__SHIPPED": "false"}
    search, search_cpu, answer = [], [], []
    with Assembly(load_settings(None, environ)) as assembly:
        began = time.perf_counter()
        knowledge = assembly.knowledge()
        for query in queries(seed=6)[:20]:
            knowledge.search(query)  # warm up
        opened = time.perf_counter() - began
        for query in queries():
            began, worked = time.perf_counter(), time.process_time()
            found = knowledge.search(query)
            search.append(time.perf_counter() - began)
            search_cpu.append(time.process_time() - worked)
            if len(answer) < 50:
                began = time.perf_counter()
                knowledge.answer(query, found)
                answer.append(time.perf_counter() - began)
        resident = psutil.Process().memory_info().rss
        ((stored,),) = assembly.knowledge_store().query("SELECT count(*) FROM passages")
    return {
        "passages": stored,
        "search_ms": summary([one * 1000 for one in search], 1),
        "search_cpu_ms": summary([one * 1000 for one in search_cpu], 1),
        "answer_ms": summary([one * 1000 for one in answer], 1),
        "open_s": round(opened, 2),
        "resident_mb": round(resident / 1e6),
        "file_mb": round((folder / "knowledge.db").stat().st_size / 1e6, 1),
    }


def build(folder: Path) -> None:
    """Import the texts below ``folder`` into its knowledge base."""
    environ = {"EDGEBOT_STATE_DIR": str(folder)}
    with Assembly(load_settings(None, environ)) as assembly:
        store = KnowledgeStore(folder / "knowledge.db")
        Importer(store, Filler(assembly.embedder()), 1 << 30).run([folder / "texts"])
        store.close()


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
            "search, p95 (ms)": [row["search_ms"]["p95"] for row in rows],
            "resident memory (MB)": [row["resident_mb"] for row in rows],
        },
    )
    (RESULTS / "knowledge_growth.svg").write_text(svg, encoding="utf-8")


def report(figures: dict[str, Any]) -> str:
    """The figures as Markdown."""
    names = ("passages", "search ms", "p95", "CPU ms", "p95", "answer ms", "resident MB", "file MB")
    rows = [
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
            f"Import: {speed['passages_per_s']} passages a second, "
            f"{speed['passages_per_cpu_s']} a second of CPU time "
            f"({speed['words_a_passage']} words each), the encoder's products most of it.",
            table(names, rows),
            f"Load average while this was measured: {figures['load_average']}.",
            "![growth](results/knowledge_growth.svg)",
        ]
    )


if __name__ == "__main__":
    if sys.argv[1] == "build":
        build(Path(sys.argv[2]))
    elif sys.argv[1] == "ask":
        print(json.dumps(ask(Path(sys.argv[2]))))
    else:
        print(json.dumps(measure(int(sys.argv[1]))))
