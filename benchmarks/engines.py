"""The two engines of language models side by side: the same weights in GGUF and in ONNX."""

from __future__ import annotations

import json
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import asdict
from pathlib import Path
from typing import Any

import psutil

from benchmarks.common import SHARED_DATA, say, table
from edgebot.build.agreement import agreement
from edgebot.build.onnx_export import export
from edgebot.config.loader import load_settings
from edgebot.core.cancel import Cancellation
from edgebot.core.errors import ModelError
from edgebot.core.language import Generation, Message
from edgebot.nlg.engine import ChatEngine
from edgebot.runtime.wiring import LLM, Assembly

THREADS, CONTEXT = 2, 2048
RULES = Message("system", "You are a voice assistant. Answer in one short sentence.")
BITS = {"fp32": 32, "int8": 8, "int4": 4}
LARGEST_FLOAT_MB = 200
"""GGUF files above this are not compared with 32-bit weights: they would take gigabytes."""

HEAD = ["weights", "size, MB", "same first token, %", "divergence, nats (mean / most)"]
HEAD += ["largest difference of a probability", "reading, tokens/s", "writing, tokens/s"]
HEAD += ["cancelled in a prefill after, ms (median / most)", "memory, MB"]


def run(quick: bool) -> dict[str, Any]:
    """Every GGUF model of the catalogue that is on this machine."""
    figures: dict[str, Any] = {}
    settings = load_settings(None, {"EDGEBOT_STATE_DIR": tempfile.mkdtemp()})
    with Assembly(settings) as assembly:
        for entry in assembly.catalog:
            if entry.engine != "llama":
                continue
            try:
                path = assembly.store.open(entry.id).files["model"]
            except ModelError as problem:
                say(f"{entry.id}: left out ({problem})")
                continue
            figures[entry.id] = measure(path, 12 if quick else 40, 2 if quick else 5)
    return figures


def measure(path: Path, prompts: int, runs: int) -> dict[str, Any]:
    """One model as it is and in every export."""
    asked = [[RULES, Message("user", text)] for text in questions(prompts)]
    llama = LLM.load("llama")(path, model_id="gguf", threads=THREADS, context_tokens=CONTEXT)
    say(f"{path.parent.name}: gguf")
    size = path.stat().st_size
    rows: dict[str, Any] = {
        "gguf": {"size": size, **speed(llama, runs), **cancelled(llama), **memory("llama", path)}
    }
    for name, bits in BITS.items():
        if bits == 32 and size > LARGEST_FLOAT_MB * 1e6:
            continue
        say(f"{path.parent.name}: {name}")
        with tempfile.TemporaryDirectory() as folder:
            began = time.perf_counter()
            made = export(path, Path(folder) / "out", bits)
            took = round(time.perf_counter() - began, 1)
            model = made.folder / "model.json"
            onnx = LLM.load("onnx")(model, model_id=name, threads=THREADS, context_tokens=CONTEXT)
            rows[name] = {
                "size": sum(facts.size for facts in made.description.files.values()),
                "export_s": took,
                **asdict(agreement(llama, onnx, asked)),
                **faster(speed(onnx, runs), speed(onnx, runs)),
                **cancelled(onnx),
                **memory("onnx", model),
            }
            onnx.close()
        # Other programs slow one engine down and not the other: both get their best of all turns.
        rows["gguf"] |= faster(rows["gguf"], speed(llama, runs))
    llama.close()
    return rows


def questions(count: int) -> list[str]:
    """First turns of the Vicuna questions: every kind of thing that people ask."""
    lines = (SHARED_DATA / "llm" / "vicuna_bench" / "question.jsonl").read_text().splitlines()
    texts = [str(json.loads(line)["turns"][0]) for line in lines]
    return [texts[at * len(texts) // count] for at in range(count)]


def speed(engine: ChatEngine, runs: int) -> dict[str, float]:
    """Tokens a second, best of ``runs``: a busy machine only ever makes it slower."""
    prompt = [RULES, Message("user", "Tell me a long story about rain and the sea. " * 20)]
    options = Generation(64, 0.8, seed=2)
    reading, writing = [], []
    for _ in range(runs):
        engine.state.forget()
        for _ in engine.generate(prompt, options, Cancellation()):
            pass
        stats = engine.stats
        reading.append((stats.prompt_tokens - stats.reused_tokens) / stats.prefill_s)
        writing.append(stats.reply_tokens / stats.decode_s)
    return {"reading_tps": round(max(reading), 1), "writing_tps": round(max(writing), 1)}


def faster(first: dict[str, Any], second: dict[str, float]) -> dict[str, float]:
    """The better of two measurements."""
    return {name: max(first[name], value) for name, value in second.items()}


def cancelled(engine: ChatEngine) -> dict[str, float]:
    """Milliseconds from ``cancel()`` to the idle engine, all along a prefill of 500 tokens."""
    long = [Message("user", "one two three four five six seven eight nine ten " * 50)]
    engine.state.forget()
    began = time.perf_counter()
    engine.prefill(long, Cancellation())
    whole = time.perf_counter() - began
    spans = []
    for at in range(10):
        engine.state.forget()
        stop, when = Cancellation(), [0.0]

        def cancel(stop: Cancellation = stop, when: list[float] = when) -> None:
            when[0] = time.perf_counter()
            stop.cancel()

        timer = threading.Timer(whole * (0.05 + 0.08 * at), cancel)
        timer.start()
        for _ in engine.generate(long, Generation(400), stop):
            pass
        idle = time.perf_counter()
        timer.join()
        spans.append((idle - when[0]) * 1000)
    return {
        "cancel_median_ms": round(statistics.median(spans), 1),
        "cancel_most_ms": round(max(spans), 1),
    }


def memory(engine: str, path: Path) -> dict[str, int]:
    """Growth of the resident memory of a process that loads the model and answers once."""
    code = f"import benchmarks.engines as b; b.answer_once({engine!r}, {str(path)!r})"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, check=True, text=True)
    return {"rss_mb": int(done.stdout.strip().splitlines()[-1])}


def answer_once(name: str, path: str) -> None:
    """The other side of :func:`memory`."""
    kind = LLM.load(name)
    before = psutil.Process().memory_info().rss
    engine = kind(Path(path), model_id="b", threads=THREADS, context_tokens=CONTEXT)
    "".join(engine.generate([Message("user", "hello " * 300)], Generation(16), Cancellation()))
    print(round((psutil.Process().memory_info().rss - before) / 1e6))


def report(figures: dict[str, Any]) -> str:
    """A table a model for RESULTS.md."""
    parts = [
        "First-token distributions of the ONNX exports beside llama.cpp on the GGUF file they were "
        f"made from: same conversations, same template, {THREADS} threads. Speeds are taken one "
        "after the other, so what else ran on the machine is in their differences; the section Llm "
        "has those of llama.cpp at another time."
    ]
    for model, rows in figures.items():
        lines = []
        for name, row in rows.items():
            near = ["", "", ""]
            if "mean_divergence" in row:
                near = [
                    f"{row['same_first']:.0%}".rstrip("%"),
                    f"{row['mean_divergence']:.4f} / {row['most_divergence']:.3f}",
                    f"{row['most_difference']:.3f}",
                ]
            cancel = f"{row['cancel_median_ms']} / {row['cancel_most_ms']}"
            size = round(row["size"] / 1e6)
            speeds = [row["reading_tps"], row["writing_tps"]]
            lines.append([name, size, *near, *speeds, cancel, row["rss_mb"]])
        parts.append(
            f"{model}, {next(r['prompts'] for r in rows.values() if 'prompts' in r)} prompts"
        )
        parts.append(table(HEAD, lines))
    return "\n\n".join(parts)
