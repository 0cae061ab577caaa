"""``edgebot build list|show|compare``: recipes, and what was built from them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import click

from edgebot.build.charts import Point, points
from edgebot.build.evaluator import SOURCE
from edgebot.build.gates import Verdict
from edgebot.build.pictures import write_chart
from edgebot.build.recipe import find_recipe, read_recipe, recipe_files
from edgebot.build.report import LABELS, label
from edgebot.cli.context import assembly_of
from edgebot.cli.output import emit, json_option
from edgebot.cli.table import table
from edgebot.core.errors import EdgebotError, UsageError
from edgebot.models.built import is_built, read_manifest
from edgebot.runtime.wiring import Assembly

SPEED = "prompt_cpu_ms_per_tok"


def verdict_table(verdicts: Sequence[Verdict]) -> str:
    """The gates and what came of them."""
    rows = [
        (
            "ok" if v.passed else "MISSED",
            v.gate.text,
            "not measured" if v.found is None else f"{v.found:.4g}",
            "-" if v.bound is None else f"{v.bound:.4g}",
        )
        for v in verdicts
    ]
    return table(("", "GATE", "FOUND", "LIMIT"), rows, right=(2, 3))


@click.command("list")
@json_option
@click.pass_context
def list_(ctx: click.Context, as_json: bool) -> None:
    """Show the recipes and whether what they make is on this machine."""
    assembly = assembly_of(ctx)
    rows = []
    for name, file in sorted(recipe_files().items()):
        recipe = read_recipe(file)
        fact = {
            "recipe": name,
            "source": recipe.source,
            "profiles": list(recipe.profiles),
            "state": _state(assembly, name),
            "description": recipe.description,
        }
        if as_json:
            emit(fact)
        rows.append([name, recipe.source, " ".join(recipe.profiles) or "-", fact["state"]])
    if not as_json:
        click.echo(table(("RECIPE", "SOURCE", "PROFILES", "STATE"), rows))


@click.command("show")
@click.argument("name", metavar="RECIPE|DIR")
@json_option
@click.pass_context
def show(ctx: click.Context, name: str, as_json: bool) -> None:
    """Show a recipe, and the manifest of what was built from it."""
    folder = Path(name)
    told = read_manifest(folder) if folder.is_dir() else None
    if told is None:
        recipe = read_recipe(find_recipe(name))
        assembly = assembly_of(ctx)
        if _state(assembly, recipe.name) != "not built":
            told = read_manifest(assembly.store.directory(recipe.name))
        if not as_json:
            click.echo(f"{recipe.name}: {recipe.description}, from {recipe.source}")
            for part in recipe.steps:
                said = ", ".join(f"{key}={value}" for key, value in part.parameters.items())
                click.echo(f"  {part.name}  {said}")
            click.echo("gates: " + (", ".join(gate.text for gate in recipe.gates) or "none"))
        elif told is None:
            emit({**recipe.model_dump(mode="json", exclude={"gates", "profile_gates"}),
                  "gates": [gate.text for gate in recipe.gates]})  # fmt: skip
    if told is None:
        return
    if as_json:
        emit(told)
        return
    figures = told.get("figures", {})
    click.echo(_figures([(str(told.get("id")), figures)]))


@click.command("compare")
@click.argument("folders", nargs=-1, type=click.Path(file_okay=False, path_type=Path))
@click.option(
    "--chart",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Also draw size against divergence against speed, as SVG and PNG.",
)
@json_option
@click.pass_context
def compare(
    ctx: click.Context, folders: tuple[Path, ...], chart: Path | None, as_json: bool
) -> None:
    """Show builds side by side: those in DIRS, or all that are in the store."""
    if folders:
        told = [(folder, read_manifest(folder)) for folder in folders]
        for folder, manifest in told:
            if manifest is None:
                raise UsageError(f"{folder}: no build is there; name its directory")
    else:
        store = assembly_of(ctx).store
        told = [
            (store.directory(entry.id), read_manifest(store.directory(entry.id)))
            for entry in store.catalog
            if is_built(entry)
        ]
    builds = [(str(found["id"]), found["figures"]) for _, found in told if found]
    if not builds:
        raise UsageError("nothing was built here yet; run `edgebot build --profile PROFILE`")
    if chart:
        write_chart(size_chart(builds), chart)
    if as_json:
        for name, figures in builds:
            emit({"id": name, **figures})
        return
    click.echo(_figures(builds))


def size_chart(builds: Sequence[tuple[str, dict[str, float]]]) -> str:
    """Size against divergence, the area the speed of reading prompts against the source."""
    known = [(name, f) for name, f in builds if "size_mb" in f and "kl" in f and SPEED in f]
    if not known:
        raise UsageError("none of these builds has figures for size, divergence and speed")
    entries = []
    for name, f in known:
        speed = f[f"{SOURCE}{SPEED}"] / f[SPEED]
        better = [
            g
            for _, g in known
            if g["size_mb"] <= f["size_mb"]
            and g["kl"] <= f["kl"]
            and g[f"{SOURCE}{SPEED}"] / g[SPEED] >= speed
        ]
        entries.append(Point(name, f["size_mb"], f["kl"], speed, front=len(better) == 1))
    return points(
        "Size against divergence from the source",
        "size, MB",
        "divergence, nats (KL)",
        "speed of reading prompts",
        entries,
    )


def _figures(builds: Sequence[tuple[str, dict[str, float]]]) -> str:
    names = [name for name in LABELS if any(name in figures for _, figures in builds)]
    rows = []
    for name in names:
        row = [label(name)]
        for _, figures in builds:
            value, source = figures.get(name), figures.get(SOURCE + name)
            text = "-" if value is None else f"{value:.4g}"
            row.append(text + (f" ({value / source:.2f} x)" if value and source else ""))
        rows.append(row)
    head = ["", *(name for name, _ in builds)]
    return table(head, rows, right=range(1, len(head)))


def _state(assembly: Assembly, name: str) -> str:
    if name not in assembly.catalog:
        return "not built"
    try:
        return "ready" if assembly.store.open(name) else ""
    except EdgebotError as error:
        return f"unusable ({type(error).__name__})"
