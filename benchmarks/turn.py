"""The whole turn on the demo question: cold start, end of speech to first audio, memory."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.common import peak_rss_mb, say, summary, table
from edgebot.config.loader import load_settings
from edgebot.core.turn import Turn
from edgebot.runtime.hearing import open_stream
from edgebot.runtime.loading import load_side_by_side
from edgebot.runtime.turns import speech_turn, timings_ms
from edgebot.runtime.wiring import Assembly

DEMO = Path(__file__).resolve().parents[1] / "docs" / "demo"
QUESTIONS = {
    "demo question": "question.wav",
    "a rule": "timer.wav",
    "an open question": "dinner.wav",
}
MODELS = ["qwen2.5-coder-0.5b-instruct-q4_k_m", "smollm2-135m-instruct-q4_1"]


def run(quick: bool) -> dict[str, Any]:
    """Warm turns per model and question in this process, cold starts in processes of their own."""
    runs = 3 if quick else 10
    figures: dict[str, Any] = {"cold_start_s": summary(cold_starts(2 if quick else 4)), "turns": {}}
    for model in MODELS:
        figures["turns"][model] = measure(model, runs)
    figures["peak_rss_mb"] = round(peak_rss_mb())
    return figures


def cold_starts(runs: int) -> list[float]:
    """Seconds of ``edgebot turn`` on the demo question as a whole process, files cached."""
    spans = []
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, "-m", "edgebot.cli", "turn", str(DEMO / "question.wav")]
        for number in range(runs + 1):
            began = time.perf_counter()
            out = ["--out", f"{folder}/reply.wav", "--json"]
            done = subprocess.run([*command, *out], capture_output=True, check=True, text=True)
            took = time.perf_counter() - began
            assert json.loads(done.stdout)["reply"]
            if number:
                spans.append(took)
            say(f"cold start {number}: {took:.2f} s")
    return spans


def measure(model: str, runs: int) -> dict[str, Any]:
    """Spans of warm turns: each a session of its own, the static prompt already prefilled."""
    with tempfile.TemporaryDirectory() as folder:
        environ = {"EDGEBOT_STATE_DIR": folder, "EDGEBOT_LLM__MODEL": model}
        with Assembly(load_settings(None, environ)) as assembly:
            stt, tts, dialogue = load_side_by_side(assembly.stt, assembly.tts, assembly.dialogue)
            result = {}
            for name, file in QUESTIONS.items():
                spans: dict[str, list[float]] = {}
                replies = []
                for number in range(runs + 1):
                    session = f"bench-{name}-{number}"
                    context = dialogue.context(session)
                    stream = open_stream(stt, assembly.understander(), context)
                    turn = Turn(session)
                    source = assembly.audio_file(DEMO / file)
                    sink = assembly.audio_sink(Path(folder) / "reply.wav", tts.rate_hz)
                    report = speech_turn(turn, stream, dialogue, tts, source.frames(), sink)
                    sink.close()
                    replies.append(f"{report.decision.route}: {report.reply}")
                    if number:
                        for key, value in timings_ms(turn).items():
                            spans.setdefault(key, []).append(value or 0.0)
                say(f"{model}, {name}: {replies[-1]}")
                result[name] = {
                    "route": replies[-1].partition(":")[0],
                    **{key: summary(values, 1) for key, values in spans.items()},
                }
            return result


def report(figures: dict[str, Any]) -> str:
    """The tables for RESULTS.md."""
    cold = figures["cold_start_s"]
    lines = [
        f"Cold start of `edgebot turn` (process start to exit, all engines loaded, one answer): "
        f"median {cold['median']} s, p95 {cold['p95']} s, {cold['n']} runs. "
        f"Peak memory with both language models one after the other: {figures['peak_rss_mb']} MB.",
        "",
        "Warm turns, milliseconds (median / p95). `first_token` and `first_audio` count from the "
        "end of speech; the recording is fed as fast as it is recognised, without an endpoint's "
        "silence.",
        "",
        "",
    ]
    rows = [
        [model, name, cells["route"], *(_pair(cells[key]) for key in _SPANS)]
        for model, questions in figures["turns"].items()
        for name, cells in questions.items()
    ]
    return "\n".join(lines) + table(["model", "question", "route", *_SPANS], rows)


_SPANS = ["stt", "nlu", "first_token", "first_audio", "total"]


def _pair(cell: dict[str, float]) -> str:
    return f"{cell['median']:.0f} / {cell['p95']:.0f}"
