"""How the knowledge base grows: one size in a process of its own.

``python -m benchmarks.knowledge_growth PASSAGES`` prints one JSON object. The texts are sentences
of WikiText-2 put together anew; their vectors are random above the first thousand, since the exact
search takes the same time whatever they are (the speed of encoding is measured separately). CPU
time is given beside elapsed time, since it means something on a busy machine too.
"""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import psutil

from benchmarks.common import SHARED_DATA, summary
from benchmarks.knowledge_data import read_lines
from edgebot.config.loader import load_settings
from edgebot.core.embedding import TokenEmbedder, Vectors
from edgebot.knowledge.ingest import Importer
from edgebot.knowledge.store import KnowledgeStore
from edgebot.runtime.wiring import Assembly

QUERIES = 200
REAL = 1000


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
    """About ninety words."""
    return " ".join(draw.sample(pool, 4))


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


if __name__ == "__main__":
    if sys.argv[1] == "build":
        build(Path(sys.argv[2]))
    elif sys.argv[1] == "ask":
        print(json.dumps(ask(Path(sys.argv[2]))))
    else:
        print(json.dumps(measure(int(sys.argv[1]))))
