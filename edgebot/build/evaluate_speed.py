"""How fast a language model reads and writes, and what it takes: beside its source, in turns.

Both are loaded, each in a process of its own, and asked alternately; of several rounds the best
counts. What else the machine does at the time thus disturbs both alike and the figures least.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from edgebot.build.artefact import Artefact
from edgebot.build.evaluator import SOURCE, Evaluator, Trial
from edgebot.build.step import Cost, Parameters
from edgebot.core.errors import EngineError

_WORDS = "The kettle in the kitchen is on, and somebody has left the window of the hall open. "


class SpeedParameters(Parameters):
    """What ``speed`` takes."""

    prompt_tokens: int = 256
    reply_tokens: int = 32
    rounds: int = 4
    context_tokens: int = 1024


class Speed(Evaluator[SpeedParameters]):
    """Tokens a second, load time, peak memory, processor time."""

    name = "speed"
    takes = "gguf"
    repeatable = False
    better = {  # noqa: RUF012
        "prompt_tok_s": "high",
        "reply_tok_s": "high",
        "load_s": "low",
        "peak_rss_mb": "low",
        "prompt_cpu_ms_per_tok": "low",
        "reply_cpu_ms_per_tok": "low",
    }
    schema = SpeedParameters

    def cost(self, artefact_bytes: int) -> Cost:
        """Several rounds of both models."""
        return Cost(10 + artefact_bytes / 2e6, 600 + 4 * artefact_bytes / 1e6)

    def run(self, trial: Trial) -> dict[str, float]:
        """``prompt_tok_s``, ``reply_tok_s``, ``load_s``, ``peak_rss_mb``, ``…_cpu_ms_per_tok``."""
        asked = self.parameters
        pair = {
            "": Probe(trial.artefact, asked, trial.threads),
            SOURCE: Probe(trial.source, asked, trial.threads),
        }
        try:
            trial.progress.begin("speed", asked.rounds)
            for number in range(asked.rounds + 1):
                for probe in pair.values():
                    probe.round(counts=number > 0)  # the first one warms caches up
                trial.progress.advance(number)
            return {
                f"{prefix}{name}": value
                for prefix, probe in pair.items()
                for name, value in probe.figures().items()
            }
        finally:
            for probe in pair.values():
                probe.close()


class Probe:
    """One model in a process that does what it is told."""

    def __init__(
        self,
        artefact: Artefact,
        asked: SpeedParameters,
        threads: int,
        environ: Mapping[str, str] | None = None,
    ) -> None:
        """``environ``: what it shall find in its environment besides."""
        self._asked = asked
        self._best: dict[str, list[float]] = {}
        found = {**os.environ, "OMP_NUM_THREADS": str(threads), **(environ or {})}
        self._child = subprocess.Popen(
            [sys.executable, "-m", "edgebot.build.evaluate_speed"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            env=found,
            text=True,
        )
        loaded = self._ask(
            path=str(artefact.file()), threads=threads, context_tokens=asked.context_tokens
        )
        self._facts = {"load_s": loaded["seconds"]}

    def _ask(self, **request: Any) -> dict[str, float]:
        assert self._child.stdin and self._child.stdout
        self._child.stdin.write(json.dumps(request) + "\n")
        self._child.stdin.flush()
        line = self._child.stdout.readline()
        if not line:
            raise EngineError("the model that was to be timed ended its process; see the file")
        found: dict[str, float] = json.loads(line)
        return found

    def round(self, counts: bool) -> None:
        """Read and write once; the round is remembered when it ``counts``."""
        asked = self._asked
        found = self._ask(prompt=asked.prompt_tokens, reply=asked.reply_tokens)
        self._facts["peak_rss_mb"] = found["peak_mb"]
        for part, tokens in (("prompt", asked.prompt_tokens), ("reply", asked.reply_tokens)):
            if counts:
                self._best.setdefault(f"{part}_s", []).append(found[f"{part}_s"] / tokens)
                self._best.setdefault(f"{part}_cpu", []).append(found[f"{part}_cpu_s"] / tokens)

    def figures(self) -> dict[str, float]:
        """Of the best round, and what it takes."""
        best = {name: min(values) for name, values in self._best.items()}
        return {
            "prompt_tok_s": 1 / best["prompt_s"],
            "reply_tok_s": 1 / best["reply_s"],
            "prompt_cpu_ms_per_tok": 1000 * best["prompt_cpu"],
            "reply_cpu_ms_per_tok": 1000 * best["reply_cpu"],
            **self._facts,
        }

    def close(self) -> None:
        """End the process."""
        self._child.kill()
        self._child.wait()
        for stream in (self._child.stdin, self._child.stdout):
            if stream:
                stream.close()


def main() -> None:
    """Load the model of the first line, then read and write as often as asked."""
    from edgebot.build.worker import peak_mb
    from edgebot.nlg.llama_native import NativeModel

    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    first = json.loads(sys.stdin.readline())
    began = time.perf_counter()
    model = NativeModel(Path(first["path"]), first["threads"], first["context_tokens"], 256)
    _tell(out, seconds=time.perf_counter() - began)
    tokens = model.tokenize(_WORDS * 60, special=False)
    for line in sys.stdin:
        asked = json.loads(line)
        model.forget(0)
        prompt = (tokens * (1 + asked["prompt"] // len(tokens)))[: asked["prompt"]]
        marks = [_mark()]
        for at in range(0, len(prompt), model.batch_tokens):
            model.decode(prompt[at : at + model.batch_tokens])
        marks.append(_mark())
        for _ in range(asked["reply"]):
            model.decode([int(model.logits().argmax())])
        marks.append(_mark())
        _tell(
            out,
            prompt_s=marks[1][0] - marks[0][0],
            prompt_cpu_s=marks[1][1] - marks[0][1],
            reply_s=marks[2][0] - marks[1][0],
            reply_cpu_s=marks[2][1] - marks[1][1],
            peak_mb=peak_mb(),
        )


def _mark() -> tuple[float, float]:
    return time.perf_counter(), time.process_time()


def _tell(out: Any, **figures: float) -> None:
    out.write(json.dumps(figures) + "\n")
    out.flush()


if __name__ == "__main__":
    main()
