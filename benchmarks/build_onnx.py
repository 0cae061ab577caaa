"""Encoders, voices and turn detectors that recipes make; a static student beside MiniLM on intents.

Speeds are compared by processor time, source and build in turns. The intent sets are split as in
``benchmarks.nlu``; both encoders get the same split, the same n-grams and the same seed.
"""

from __future__ import annotations

import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from benchmarks.build import built, measured
from benchmarks.common import SHARED_DATA, say, table, write_result
from benchmarks.nlu import rows_of
from edgebot.build.artefact import of_installed
from edgebot.build.charts import Point, points
from edgebot.build.intent_split import split
from edgebot.build.minilm_evaluate import accuracies
from edgebot.build.minilm_open import open_encoder
from edgebot.build.pictures import curves, write_chart
from edgebot.build.recipe import recipe_files
from edgebot.config import paths
from edgebot.models.catalog import catalog_files, load_catalog
from edgebot.models.store import ModelStore

CHARTS = Path(__file__).parent / "build"
ENCODERS = ("minilm-", "student-")
VOICES, TURNS = ("voice-",), ("smart-turn-",)
QUICK = ("student-static", "voice-joe-half")
STUDENT, TRAINED = "student-static", "minilm-pruned"
SETS = {
    "Home Assistant": (("home_assistant/en.jsonl",), 3),
    "SLURP": (("slurp/devel.jsonl",), 4),
    "SNIPS": (("snips/train.jsonl",), 10),
    "HWU64": (("hwu64/train.jsonl",), 10),
    "BANKING77": (("banking77/train.jsonl",), 10),
    "CLINC150": (("clinc150/train.jsonl", "clinc150/val.jsonl"), 0),
}
"""Name → files, and one text in how many is held out (0: the second file is)."""


def run(quick: bool) -> dict[str, Any]:
    """Build and measure; ``quick``: the student and one voice, on two sets of intents."""
    root = paths.models_dir()
    store = ModelStore(root, load_catalog(catalog_files(root)))
    named = {n: f for n, f in recipe_files().items() if n.startswith((*ENCODERS, *VOICES, *TURNS))}
    chosen = {name: file for name, file in named.items() if not quick or name in QUICK}
    if find_spec("torch") is None:
        chosen.pop(TRAINED, None)
        say(f"torch is not installed: {TRAINED} is left out")
    figures: dict[str, Any] = {
        "recipes": {name: measured(file, store) for name, file in chosen.items()},
        "curves": {name: found for name, file in chosen.items() if (found := losses(file, store))},
    }
    if SHARED_DATA.is_dir():
        figures["intents"] = intents(store, quick)
    draw(figures)
    return figures


def losses(file: Path, store: ModelStore) -> dict[str, list[float]]:
    """How the losses fell, where something was trained."""
    notes = [done.kept.notes for done in built(file, store).done]
    found: dict[str, list[float]] = next((n["curves"] for n in notes if "curves" in n), {})
    return found


def intents(store: ModelStore, quick: bool) -> dict[str, dict[str, float]]:
    """Accuracy of the classifier's head with MiniLM and with the student, set by set."""
    student = built(recipe_files()[STUDENT], store).artefact
    teacher = of_installed(store.open("minilm-l6-v2-int8"))
    encoders = [open_encoder(each, CHARTS) for each in (teacher, student)]
    found = {}
    for name in list(SETS)[:2] if quick else SETS:
        files, held_out = SETS[name]
        rows = [rows_of(SHARED_DATA / "nlu" / file) for file in files]
        known, new = split(rows[0], held_out) if held_out else (rows[0], rows[1])
        say(f"{name}: {len(known)} texts to learn from, {len(new)} to judge")
        ours, theirs = accuracies(known, new, encoders)
        found[name] = {"known": len(known), "new": len(new), "minilm": ours, "student": theirs}
    return found


def draw(figures: dict[str, Any]) -> None:
    """Size against what is lost, and the curves of what was trained."""
    found = {n: r["figures"] for n, r in figures["recipes"].items() if n.startswith(ENCODERS)}
    entries = [
        Point(n, f["size_mb"], f.get("own_lost", 0.0), f.get("times_faster", 1.0), not missed)
        for n, f in found.items()
        for missed in (figures["recipes"][n]["missed"],)
        if "own_lost" in f
    ]
    if entries:
        chart = points(
            "Sentence encoders: size against accuracy lost (green: passes its gates)",
            "size, MB",
            "points of accuracy lost on the assistant's own intents",
            "times as fast as its source",
            entries,
        )
        write_chart(chart, CHARTS / "onnx-encoders.svg")
    for name, seen in figures["curves"].items():
        chart = curves(f"{name}: losses while it learnt", seen)
        write_chart(chart, CHARTS / f"onnx-{name}-losses.svg")


def report(figures: dict[str, Any]) -> str:
    """Markdown."""
    parts = []
    heads = {
        ENCODERS: ["encoder", "MB", "cosine mean / least", "own intents lost", "SLURP lost",
                   "recall@5 lost", "CPU ms a text", "times faster", "made in s / MB", "gates"],
        VOICES: ["voice", "MB", "spectrum dB / own variation", "WER, source",
                 "CPU ms a sentence", "made in s / MB", "gates"],
        TURNS: ["turn detector", "MB", "same decision", "right, source", "CPU ms", "made in s / MB",
                "gates"],
    }  # fmt: skip
    for prefixes, head in heads.items():
        rows = [
            _row(name, record, prefixes)
            for name, record in figures["recipes"].items()
            if name.startswith(prefixes)
        ]
        parts += [table(head, rows)] if rows else []
    if found := figures.get("intents"):
        rows = [
            [name, f["known"], f["new"], _percent(f["minilm"]), _percent(f["student"]),
             f"{100 * (f['minilm'] - f['student']):+.1f}"]
            for name, f in found.items()
        ]  # fmt: skip
        head = ["intents", "learnt from", "judged", "MiniLM int8", "static student", "points lost"]
        parts.append(table(head, rows))
    pictures = sorted(CHARTS.glob("onnx-*.svg"))
    parts.append("\n".join(f"![{each.stem}](build/{each.name})" for each in pictures))
    return "\n\n".join(parts) + "\n"


def _row(name: str, record: dict[str, Any], prefixes: tuple[str, ...]) -> list[str]:
    f = record["figures"]
    size = f"{f['size_mb']:.1f} of {f['source.size_mb']:.1f}"
    said = "missed: " + ", ".join(record["missed"]) if record["missed"] else "passed"
    cost, spent = _of(f, "item_cpu_ms", 2), f"{record['seconds']:.0f} / {record['peak_mb']}"
    if prefixes == ENCODERS:
        near = _of(f, "cosine_mean", 4) + " / " + _of(f, "cosine_least", 4)
        lost = [_of(f, key, 2) for key in ("own_lost", "slurp_lost", "recall_at_5_lost")]
        return [name, size, near, *lost, cost, _of(f, "times_faster", 1), spent, said]
    if prefixes == VOICES:
        near = _of(f, "spectral_db", 2) + " / " + _of(f, "own_db", 2)
        return [
            name,
            size,
            near,
            f"{_of(f, 'wer', 3)}, {_of(f, 'source.wer', 3)}",
            cost,
            spent,
            said,
        ]
    right = f"{_of(f, 'right', 3)}, {_of(f, 'source.right', 3)}"
    return [name, size, _of(f, "same_decision", 3), right, cost, spent, said]


def _of(figures: dict[str, float], key: str, digits: int) -> str:
    return f"{figures[key]:.{digits}f}" if key in figures else "–"


def _percent(share: float) -> str:
    return f"{100 * share:.1f} %"


if __name__ == "__main__":
    result = run("--quick" in sys.argv)
    write_result("build_onnx", result, "python -m benchmarks.build_onnx")
    print(report(result))
