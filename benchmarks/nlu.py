"""Understanding: intents on public sets, Home Assistant's sentences, orders by voice, speed.

Sets with a training file alone are split here: one text in ten is held out, stratified, with a
fixed seed. CLINC150 is trained with its out-of-scope training examples and judged on its validation
files, and once more trained without any. Pictures of the confusion lie in ``results/``.
"""

from __future__ import annotations

import json
import random
import sys
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import home_assistant_intents

from benchmarks.common import RESULTS, SHARED_DATA, say, summary, table, write_result
from benchmarks.nlu_orders import orders
from edgebot.config.loader import load_settings
from edgebot.core.embedding import Embedder
from edgebot.core.nlu import NluContext
from edgebot.nlu.classifier.evaluating import evaluate
from edgebot.nlu.classifier.picture import write_pictures
from edgebot.nlu.classifier.training import train
from edgebot.nlu.sampler import NoExample, Sampler
from edgebot.nlu.sentence_files import load_intents, own_sentences
from edgebot.nlu.understander import TemplateUnderstander
from edgebot.runtime.wiring import Assembly

Rows = list[tuple[str, str]]

NOW = datetime(2026, 5, 1, 12, tzinfo=ZoneInfo("Europe/Berlin"))
HELD_OUT = 10
"""One text in this many is held out of a set that has no test file."""


def run(quick: bool) -> dict[str, Any]:
    """All figures; ``quick`` leaves out the large sets and most recordings."""
    assembly = Assembly(load_settings())
    figures: dict[str, Any] = {"templates": template_speed(100 if quick else 600)}
    if not SHARED_DATA.is_dir():
        return {**figures, "missing": "no ../shared/data: only our own sentences were measured"}
    embedder = assembly.embedder()
    figures["sets"] = {
        name: classifier(name, known, new, embedder) for name, known, new in sets(quick)
    }
    figures["home_assistant"] = home_assistant()
    figures["orders"] = orders(assembly, 12 if quick else 212)
    figures["classify_ms"] = classify_speed(assembly, 40 if quick else 200)
    assembly.close()
    return figures


def sets(quick: bool) -> Iterable[tuple[str, Rows, Rows]]:
    """Name, training rows, test rows."""
    folder = SHARED_DATA / "nlu"
    yield ("SNIPS", *split(rows_of(folder / "snips" / "train.jsonl")))
    if quick:
        return
    yield ("HWU64", *split(rows_of(folder / "hwu64" / "train.jsonl")))
    yield ("BANKING77", *split(rows_of(folder / "banking77" / "train.jsonl")))
    yield ("SLURP", *split(rows_of(folder / "slurp" / "devel.jsonl")))
    clinc = folder / "clinc150"
    known, new = rows_of(clinc / "train.jsonl"), rows_of(clinc / "val.jsonl")
    new += rows_of(clinc / "oos_val.jsonl")
    yield "CLINC150", known + rows_of(clinc / "oos_train.jsonl"), new
    yield "CLINC150, no out-of-scope examples", known, new


def rows_of(path: Path) -> Rows:
    lines = path.read_text(encoding="utf-8").splitlines()
    return [(row["text"], row["intent"]) for row in map(json.loads, lines)]


def split(rows: Rows) -> tuple[Rows, Rows]:
    """Training and test rows; each intent is held out in the same proportion."""
    shuffled = rows[:]
    random.Random(7).shuffle(shuffled)
    seen: Counter[str] = Counter()
    known: Rows = []
    new: Rows = []
    for row in shuffled:
        seen[row[1]] += 1
        (new if seen[row[1]] % HELD_OUT == 0 else known).append(row)
    return known, new


def columns(rows: Rows) -> tuple[list[str], list[str]]:
    return [text for text, _ in rows], [intent for _, intent in rows]


def classifier(name: str, known: Rows, new: Rows, embedder: Embedder) -> dict[str, Any]:
    say(f"{name}: training on {len(known)} texts")
    began = time.perf_counter()
    model = train(*columns(known), embedder)
    train_s = time.perf_counter() - began
    found = evaluate(model, *columns(new), embedder)
    slug = name.lower().replace(",", "").replace(" ", "-")
    write_pictures(
        found.confusion, f"{name}: what was meant, what was answered", RESULTS / f"nlu-{slug}"
    )
    figures = found.described()
    del figures["confusion"]
    return {"trained_on": len(known), "train_s": round(train_s, 1), **figures}


def home_assistant() -> dict[str, Any]:
    """Home Assistant's sentences on its own tests, with and without the household of each test."""
    file = Path(home_assistant_intents.__file__).parent / "data" / "en.json"
    understander = TemplateUnderstander(load_intents(file))
    lines = (SHARED_DATA / "nlu" / "home_assistant" / "en.jsonl").read_text(encoding="utf-8")
    rows = [json.loads(line) for line in lines.splitlines()]
    return {
        "templates": len(understander.sentences.templates),
        "with_names": _home(understander, rows, with_names=True),
        "without_names": _home(understander, rows, with_names=False),
    }


def _home(
    understander: TemplateUnderstander, rows: Sequence[dict[str, Any]], *, with_names: bool
) -> dict[str, Any]:
    right = hits = found = wanted = 0
    spent: list[float] = []
    for row in rows:
        lists = _names(row) if with_names else {}
        context = NluContext(lists=lists, area=row["context_area"], now=NOW)
        began = time.perf_counter()
        parses = understander.match(row["text"], context)
        spent.append((time.perf_counter() - began) * 1000.0)
        right += bool(parses) and parses[0].intent == row["intent"]
        gold = {(slot, str(value).casefold()) for slot, value in row["slots"].items()}
        ours = {
            (slot, str(value).casefold())
            for slot, value in (parses[0].slots.items() if parses else ())
            # What a template sets without its being said stands in no test of that version.
            if slot in row["slots"] or slot not in _FIXED
        }
        hits, found, wanted = hits + len(gold & ours), found + len(ours), wanted + len(gold)
    return {
        "texts": len(rows),
        "intent_accuracy": round(right / len(rows), 4),
        "slot_f1": round(2 * hits / max(1, found + wanted), 4),
        "parse_ms": summary(spent),
    }


_FIXED = ("domain", "device_class")


def _names(row: dict[str, Any]) -> dict[str, list[Any]]:
    return {
        "area": [area["name"] for area in row["areas"]],
        "floor": [floor["name"] for floor in row["floors"]],
        "name": [
            {"in": one["name"], "context": {"domain": one.get("domain"), "area": one.get("area")}}
            for one in row["entities"]
        ],
    }


def template_speed(most: int) -> dict[str, Any]:
    """Our own templates, all loaded: samples of them and sentences that none of them knows."""
    spent: dict[str, dict[str, Any]] = {}
    for language in ("en", "de"):
        sentences = own_sentences(language)
        understander, sampler = TemplateUnderstander(sentences), Sampler(sentences, seed=11)
        drawn = random.Random(11).choices([t for t in sentences.templates if not t.states], k=most)
        right, ms = 0, []
        for template in drawn:
            try:
                text = sampler.sample(template)
            except NoExample:
                continue
            began = time.perf_counter()
            parses = understander.match(text, NluContext(now=NOW))
            ms.append((time.perf_counter() - began) * 1000.0)
            right += template.intent in {parse.intent for parse in parses}
        spent[language] = {
            "templates": len(sentences.templates),
            "understood": round(right / len(ms), 4),
            "parse_ms": summary(ms),
        }
    return spent


def classify_speed(assembly: Assembly, most: int) -> dict[str, float]:
    """Our own classifier on texts that no template knows, slots included."""
    understander = assembly.understander()
    rows = rows_of(SHARED_DATA / "nlu" / "slurp" / "devel.jsonl")[:most]
    context = NluContext(now=NOW)
    understander.classify(rows[0][0], context)
    ms = []
    for text, _ in rows:
        began = time.perf_counter()
        understander.classify(text, context)
        ms.append((time.perf_counter() - began) * 1000.0)
    return summary(ms)


def report(figures: dict[str, Any]) -> str:
    """The figures as Markdown."""
    own = [
        (language, one["templates"], _percent(one["understood"]), _ms(one["parse_ms"]))
        for language, one in figures["templates"].items()
    ]
    parts = [
        table(["our templates", "count", "own samples understood", "parse ms, median / p95"], own)
    ]
    if "missing" in figures:
        return "\n\n".join([*parts, figures["missing"]])
    parts.append(
        table(
            ["intents", "trained on", "in scope right", "strangers caught", "macro F1",
             "ms a text", "training s"],
            [
                (name, one["trained_on"], _percent(one["in_scope_accuracy"]),
                 _percent(one["oos_recall"]), one["macro_f1"], one["ms_per_text"], one["train_s"])
                for name, one in figures["sets"].items()
            ],
        )
    )  # fmt: skip
    home = figures["home_assistant"]
    parts.append(
        table(
            [f"Home Assistant, {home['templates']} templates", "intents", "slot F1",
             "parse ms, median / p95"],
            [
                (label, _percent(one["intent_accuracy"]), one["slot_f1"], _ms(one["parse_ms"]))
                for label, one in (("with the names of the household", home["with_names"]),
                                   ("names unknown", home["without_names"]))
            ],
        )
    )  # fmt: skip
    parts.append(
        table(
            ["coffee orders by voice", "clips", "whole command right"],
            [
                (name, one["clips"], _percent(one["right"]))
                for name, one in figures["orders"].items()
            ],
        )
    )
    parts.append(f"Classifier with slots, ms a text, median / p95: {_ms(figures['classify_ms'])}")
    return "\n\n".join(parts)


def _percent(share: float | None) -> str:
    return "–" if share is None else f"{100 * share:.1f} %"


def _ms(spent: dict[str, float]) -> str:
    return f"{spent['median']:.1f} / {spent['p95']:.1f}"


if __name__ == "__main__":
    result = run("--quick" in sys.argv)
    write_result("nlu", result, "python -m benchmarks.nlu")
    print(report(result))
