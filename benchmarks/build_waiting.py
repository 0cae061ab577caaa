"""How OpenMP's threads wait for each other: ``threads.waiting`` of a profile, both ways.

Once with the machine to itself and once with a neighbour that wants a core all the time, as voice
and recogniser do in a turn. Each measurement is a process of its own, since OpenMP asks once.
"""

from __future__ import annotations

import os
import subprocess
import sys
from typing import Any

from benchmarks.common import say, table
from edgebot.build.artefact import of_file
from edgebot.build.evaluate_speed import Probe, SpeedParameters
from edgebot.config import paths
from edgebot.models.catalog import catalog_files, load_catalog
from edgebot.models.store import ModelStore

MODEL = "smollm2-135m-instruct-q4_1"
THREADS = 2
WAYS = ("passive", "active")
PARTS = ("prompt", "reply")
SPIN = "while True: pass"


def run(quick: bool) -> dict[str, Any]:
    """Tokens a second and processor time a token, both ways, alone and with a neighbour."""
    root = paths.models_dir()
    store = ModelStore(root, load_catalog(catalog_files(root)))
    artefact = of_file(store.open(MODEL).files["model"])
    asked = SpeedParameters(prompt_tokens=128, reply_tokens=32)
    found: dict[str, dict[str, dict[str, float]]] = {}
    for neighbours in (0, 1):
        name = "with a neighbour" if neighbours else "alone"
        others = [subprocess.Popen([sys.executable, "-c", SPIN]) for _ in range(neighbours)]
        try:
            found[name] = measured(artefact, asked, 2 if quick else 5)
        finally:
            for other in others:
                other.kill()
                other.wait()
    return {"model": MODEL, "threads": THREADS, "cores": os.cpu_count(), "figures": found}


def measured(artefact: Any, asked: SpeedParameters, rounds: int) -> dict[str, dict[str, float]]:
    """Both ways in turns; of the rounds the best one counts."""
    probes = {
        way: Probe(artefact, asked, THREADS, {"OMP_WAIT_POLICY": way.upper()}) for way in WAYS
    }
    try:
        for number in range(rounds + 1):
            for probe in probes.values():
                probe.round(counts=number > 0)
        found = {way: probe.figures() for way, probe in probes.items()}
    finally:
        for probe in probes.values():
            probe.close()
    for way, figures in found.items():
        say(f"{way}: {figures['prompt_tok_s']:.0f} / {figures['reply_tok_s']:.0f} tokens/s")
    return found


def report(figures: dict[str, Any]) -> str:
    """Markdown."""
    rows = []
    for name, ways in figures["figures"].items():
        for way in WAYS:
            f = ways[way]
            speeds = [f"{f[f'{part}_tok_s']:.0f}" for part in PARTS]
            costs = [f"{f[f'{part}_cpu_ms_per_tok']:.1f}" for part in PARTS]
            rows.append([name, way, *speeds, *costs])
    head = ["machine", "threads.waiting", "reads, tokens/s", "writes, tokens/s",
            "CPU ms a token read", "CPU ms a token written"]  # fmt: skip
    about = f"{figures['model']}, {figures['threads']} threads on {figures['cores']} cores."
    return f"{about}\n\n{table(head, rows)}\n"
