"""Models that recipes make, beside their sources; and what pruning does, by how it chooses.

Speeds are compared by processor time, with one thread, source and build asked alternately: that
holds on a busy machine too.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

from benchmarks.build import where
from benchmarks.common import SHARED_DATA, say, table
from edgebot.build.building import Building, Built, find_origin
from edgebot.build.charts import Point, points
from edgebot.build.pictures import write_chart
from edgebot.build.recipe import read_recipe, recipe_files
from edgebot.config import paths
from edgebot.models.catalog import catalog_files, load_catalog
from edgebot.models.store import ModelStore

HERE = Path(__file__).parent
CHARTS = {"smollm2-135m": "smollm2-135m.svg", "qwen2.5-0.5b": "qwen2.5-0.5b.svg"}
QUICK = ("smollm2-135m-en",)
SPEED = "prompt_cpu_ms_per_tok"


def run(quick: bool) -> dict[str, Any]:
    """Build and measure every GGUF recipe; ``quick``: one of them and no pruning."""
    root = paths.models_dir()
    store = ModelStore(root, load_catalog(catalog_files(root)))
    shipped = {n: f for n, f in recipe_files().items() if n.startswith(tuple(CHARTS))}
    chosen = {name: file for name, file in shipped.items() if not quick or name in QUICK}
    tried = {} if quick else {f.stem: f for f in sorted((HERE / "recipes").glob("*.yaml"))}
    figures = {
        "recipes": {name: measured(file, store) for name, file in chosen.items()},
        "pruning": {name: measured(file, store) for name, file in tried.items()},
        "where": {} if quick else where_time_goes(shipped, store),
    }
    draw(figures)
    return figures


def where_time_goes(shipped: dict[str, Path], store: ModelStore) -> dict[str, dict[str, float]]:
    """Milliseconds a token of a prompt by kind of node, of the fast builds and their sources."""
    paths_of: dict[str, Path] = {}
    for name, file in shipped.items():
        if name.endswith("-fast"):
            made = built(file, store)
            paths_of[made.origin.name] = made.origin.artefact.file()
            paths_of[name] = made.artefact.file()
    return {name: where.milliseconds(path) for name, path in paths_of.items()}


def built(file: Path, store: ModelStore) -> Built:
    """The recipe in ``file``, from the cache of steps; nothing is measured."""
    recipe = read_recipe(file).model_copy(update={"evaluate": (), "gates": ()})
    data = SHARED_DATA if SHARED_DATA.is_dir() else None
    return Building(recipe, file, find_origin(recipe, file, store), data=data).run()


def measured(file: Path, store: ModelStore) -> dict[str, Any]:
    """The figures of the recipe in ``file`` and what its gates say."""
    recipe = read_recipe(file)
    say(f"{recipe.name}: {recipe.description}")
    data = SHARED_DATA if SHARED_DATA.is_dir() else None
    built = Building(recipe, file, find_origin(recipe, file, store), data=data).run()
    return {
        "description": recipe.description,
        "figures": {name: round(value, 6) for name, value in built.figures.items()},
        "missed": [v.gate.text for v in built.verdicts if not v.passed],
        "gates": [v.gate.text for v in built.verdicts],
        "seconds": round(sum(done.kept.seconds for done in built.done), 1),
        "peak_mb": round(max(done.kept.peak_mb for done in built.done)),
    }


def draw(figures: dict[str, Any]) -> None:
    """A chart a source: size, divergence, speed."""
    for prefix, name in CHARTS.items():
        found = {n: r["figures"] for n, r in figures["recipes"].items() if n.startswith(prefix)}
        entries = [Point("source", next(iter(found.values()))["source.size_mb"], 0.0, 1.0, True)]
        for recipe, f in found.items():
            speed = f[f"source.{SPEED}"] / f[SPEED]
            label = recipe.removeprefix(f"{prefix}-")
            entries.append(Point(f"{label} ({speed:.2g} ×)", f["size_mb"], f["kl"], speed, True))
        chart = points(
            f"{prefix}: size against divergence",
            "size, MB",
            "divergence from the source, nats",
            "speed of reading prompts",
            entries,
        )
        write_chart(chart, HERE / name)


def report(figures: dict[str, Any]) -> str:
    """Markdown."""
    rows = []
    for name, record in figures["recipes"].items():
        f = record["figures"]

        def ratio(key: str, f: dict[str, float] = f) -> str:
            return f"{f[f'source.{key}'] / f[key]:.2f} ×" if key in f else "–"

        rows.append(
            [
                name,
                f"{f['size_mb']:.0f} of {f['source.size_mb']:.0f}",
                f"{f['kl']:.3f} / {f['book_kl']:.3f}" if "book_kl" in f else f"{f['kl']:.3f}",
                f"{100 * (f['bits_per_byte'] / f['source.bits_per_byte'] - 1):+.2f} %",
                f"{f['answers_same']:.0f} of {f['answers_asked']:.0f}",
                ratio(SPEED),
                ratio("reply_cpu_ms_per_tok"),
                f"{f['peak_rss_mb']:.0f} of {f['source.peak_rss_mb']:.0f}",
                "missed: " + ", ".join(record["missed"]) if record["missed"] else "passed",
            ]
        )
    head = ["build", "MB", "KL held / book", "bits per byte", "answers unchanged",
            "reads prompts", "writes replies", "peak RSS MB", "gates"]  # fmt: skip
    text = table(head, rows)
    text += "\n\n" + "\n".join(f"![{p}](build/{n})" for p, n in CHARTS.items()) + "\n"
    if figures.get("where"):
        rows = [
            [name, *(f"{found[kind]:.2f}" for kind in where.KINDS)]
            for name, found in figures["where"].items()
        ]
        text += "\nWhere the time of reading a prompt goes, ms a token with one thread:\n\n"
        text += table(["model", *where.KINDS], rows) + "\n"
    if not figures["pruning"]:
        return text
    rows = []
    for record in figures["pruning"].values():
        f = record["figures"]
        zipped = f"{f['zipped_mb']:.0f}" if "zipped_mb" in f else "–"
        said = "rejected" if record["missed"] else "passed"
        size = f"{f['size_mb']:.0f}"
        cells = [record["description"], size, zipped, f"{f['kl']:.3f}", f"{f['ppl']:.1f}", said]
        rows.append(cells)
    head = ["pruned (SmolLM2-135M)", "MB", "zipped MB", "KL", "perplexity", "gate kl <= 0.2"]
    return text + "\nPruning, to compare:\n\n" + table(head, rows) + "\n"
