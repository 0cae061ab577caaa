"""The evaluator ``engine-speed``: load time, time and memory of an encoder, voice or turn detector.

Artefact and source run in turns, each time in a process of its own, so that the peak of memory is
its own and another program's load meets both. CPU seconds tell more than the clock on a busy
machine.
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from edgebot.build.artefact import Artefact
from edgebot.build.evaluator import SOURCE, Evaluator, Trial
from edgebot.build.minilm_open import open_encoder, runnable
from edgebot.build.onnx_quant_feeds import recordings, sentences
from edgebot.build.step import Parameters, Texts
from edgebot.build.worker import peak_mb
from edgebot.core.cancel import Cancellation
from edgebot.core.errors import EngineError

_TIMES = ("load_s", "item_ms", "item_cpu_ms", "peak_rss_mb")
_LONGEST_S = 600


class SpeedParameters(Parameters):
    """What ``engine-speed`` takes."""

    text: str = "held"
    """Sentences to read or speak, recordings to listen to."""

    items: int = Field(default=60, ge=1, le=2000)
    """How many of them."""

    rounds: int = Field(default=2, ge=1, le=9)
    """How often each model is started; the least of each figure counts."""


class EngineSpeed(Evaluator[SpeedParameters]):
    """What it costs to load and to use a model."""

    name = "engine-speed"
    takes = "any"
    repeatable = False
    better: ClassVar[dict[str, str]] = dict.fromkeys(_TIMES, "low")
    schema = SpeedParameters

    def run(self, trial: Trial) -> dict[str, float]:
        """``load_s``, ``item_ms``, ``item_cpu_ms``, ``peak_rss_mb`` of both, and ``times_faster``.

        ``times_faster``: the source's CPU time an item by the artefact's.
        """
        want = self.parameters
        found: dict[str, list[dict[str, float]]] = {"": [], SOURCE: []}
        both = {"": trial.artefact, SOURCE: trial.source}
        for _ in range(want.rounds):
            for prefix, artefact in both.items():
                ready = artefact
                if artefact.has("tokenizer"):
                    ready = runnable(artefact, trial.scratch)
                found[prefix].append(_measured(ready, trial, want))
        figures = {
            f"{prefix}{name}": min(each[name] for each in rounds)
            for prefix, rounds in found.items()
            for name in _TIMES
        }
        ours = max(figures["item_cpu_ms"], 1e-6)
        return {**figures, "times_faster": figures[f"{SOURCE}item_cpu_ms"] / ours}


def _measured(artefact: Artefact, trial: Trial, want: SpeedParameters) -> dict[str, float]:
    request = {
        "folder": str(artefact.folder),
        "roles": dict(artefact.roles),
        "files": [str(path) for path in trial.texts.paths(want.text)],
        "items": want.items,
        "threads": trial.threads,
    }
    done = subprocess.run(
        [sys.executable, "-m", __name__],
        input=json.dumps(request),
        capture_output=True,
        text=True,
        timeout=_LONGEST_S,
        check=False,
    )
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise EngineError(f"{artefact.file().name}: its measurement failed ({last})")
    figures: dict[str, float] = json.loads(done.stdout)
    return figures


def main() -> None:
    """Measure what the request on standard input names."""
    request = json.load(sys.stdin)
    artefact = Artefact(Path(request["folder"]), request["roles"])
    texts = Texts({"text": [Path(path) for path in request["files"]]})
    began = time.perf_counter()
    use, items = _opened(artefact, texts, int(request["items"]), int(request["threads"]))
    load_s = time.perf_counter() - began
    use(items[0])
    wall, cpu = time.perf_counter(), time.process_time()
    for item in items:
        use(item)
    figures = {
        "load_s": load_s,
        "item_ms": 1000 * (time.perf_counter() - wall) / len(items),
        "item_cpu_ms": 1000 * (time.process_time() - cpu) / len(items),
        "peak_rss_mb": peak_mb(),
    }
    sys.stdout.write(json.dumps(figures) + "\n")


def _opened(
    artefact: Artefact, texts: Texts, items: int, threads: int
) -> tuple[Callable[[Any], Any], list[Any]]:
    """What works on one item, and the items."""
    if artefact.has("tokenizer"):
        found = sentences(texts, "text", items)
        encoder = open_encoder(artefact, artefact.folder, threads)
        return lambda text: encoder.embed([text]), found
    if artefact.has("config"):
        from edgebot.tts.piper import PiperVoice

        voice = PiperVoice(artefact.file(), artefact.file("config"), threads=threads)
        spoken = sentences(texts, "text", items)
        return lambda text: list(voice.synthesize(text, Cancellation())), spoken
    from edgebot.vad.smart_turn import SmartTurn

    detector = SmartTurn(artefact.file(), threads=threads)
    return detector.finished, list(recordings(texts.paths("text"), items))


if __name__ == "__main__":
    main()
