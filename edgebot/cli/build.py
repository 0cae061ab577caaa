"""``edgebot build``: models for a device profile, made and measured on a machine with room."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from edgebot.build.building import Building, Built, find_origin
from edgebot.build.gates import GateMissed
from edgebot.build.recipe import Recipe, find_recipe, read_recipe, recipe_files
from edgebot.build.report import summary
from edgebot.build.shipping import install, ship, signing_key
from edgebot.cli.build_onnx import onnx
from edgebot.cli.build_show import compare, list_, show, verdict_table
from edgebot.cli.build_sweep import sweep
from edgebot.cli.context import assembly_of
from edgebot.cli.output import emit, json_option
from edgebot.cli.progress import progress
from edgebot.cli.table import table
from edgebot.config.profiles import load_profiles, profile_files
from edgebot.core.errors import UsageError
from edgebot.models.plan import setting_of
from edgebot.models.sealed import read_key
from edgebot.runtime.wiring import Assembly

_FILE = click.Path(dir_okay=False, path_type=Path)
OUT = Path("build")


@click.group(invoke_without_command=True)
@click.option("--profile", help="Device profile to build for: all recipes that name it.")
@click.option("--recipe", "recipes", multiple=True, help="Recipe, by name or file; repeatable.")
@click.option("--dry-run", is_flag=True, help="Print the plan and do nothing.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=OUT,
    show_default=True,
    help="Directory for what is built: a directory each.",
)
@click.option(
    "--data",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    envvar="EDGEBOT_DATA",
    help="Directory of development data ($DATA of the recipes); what needs it is skipped without.",
)
@click.option("--threads", type=click.IntRange(1, 64), default=1, show_default=True,
              help="Threads a step may use.")  # fmt: skip
@click.option("--key", type=_FILE, help="Private key to sign with; this machine's own when absent.")
@click.option("--seal-key", type=_FILE, help="Key to encrypt with, where the recipe asks for it.")
@click.option(
    "--install/--no-install",
    "installing",
    default=True,
    show_default=True,
    help="Put what is built into the store of this machine.",
)
@json_option
@click.pass_context
def build(
    ctx: click.Context,
    profile: str | None,
    recipes: tuple[str, ...],
    dry_run: bool,
    out: Path,
    data: Path | None,
    threads: int,
    key: Path | None,
    seal_key: Path | None,
    installing: bool,
    as_json: bool,
) -> None:
    """Make models for a device profile (needs the extra packages of edgebot[build]).

    Runs the steps of each recipe, measures what comes of them beside the source, and ships it only
    when it passes every gate; exits 4 when one is missed.
    """
    if ctx.invoked_subcommand is not None:
        return
    if not profile and not recipes:
        raise UsageError("name a profile (--profile rpi4) or a recipe; see `edgebot build list`")
    assembly = assembly_of(ctx)
    cpu = _cpu(profile, assembly) if profile else ()
    chosen = _chosen(profile, recipes)
    missed = []
    for file, recipe in chosen:
        origin = find_origin(recipe, file, assembly.store)
        with progress(of_bytes=False) as shown:
            building = Building(
                recipe, file, origin, data=data, threads=threads, profile=profile, progress=shown
            )
            if dry_run:
                _tell_plan(recipe, building, origin.artefact.size, as_json)
                continue
            built = building.run()
        if not built.passed:
            missed.append(recipe.name)
            _tell_missed(built, as_json)
            continue
        signing = signing_key(key)
        sealing = read_key(seal_key) if seal_key else None
        shipped = ship(built, out / recipe.name, signing, cpu, sealing)
        if installing:
            install(shipped, signing, assembly.settings.models_dir, assembly.catalog)
        _tell_built(built, shipped.folder, installing, as_json)
    if missed:
        raise GateMissed(f"gates missed, nothing shipped: {', '.join(missed)}")


def _cpu(profile: str, assembly: Assembly) -> tuple[str, ...]:
    """What the processors of ``profile`` have; raises ``UsageError`` for an unknown one."""
    known = {one.name: one for one in load_profiles(profile_files(assembly.settings.models_dir))}
    if profile not in known:
        raise UsageError(f"no profile is called {profile!r}; known: {', '.join(sorted(known))}")
    return known[profile].requires.cpu


def _chosen(profile: str | None, names: tuple[str, ...]) -> list[tuple[Path, Recipe]]:
    if names:
        files = [find_recipe(name) for name in names]
        return [(file, read_recipe(file)) for file in files]
    recipes = [(file, read_recipe(file)) for file in recipe_files().values()]
    chosen = [(file, recipe) for file, recipe in recipes if profile in recipe.profiles]
    if not chosen:
        raise UsageError(f"no recipe is for profile {profile!r}; see `edgebot build list`")
    return chosen


def _tell_plan(recipe: Recipe, building: Building, size: int, as_json: bool) -> None:
    rows: list[dict[str, Any]] = []
    for step, known in building.plan():
        cost = step.cost(size)
        rows.append(
            {
                "recipe": recipe.name,
                "step": step.name,
                "parameters": step.parameters.model_dump(mode="json", exclude_defaults=True),
                "known": known,
                "seconds": 0 if known else round(cost.seconds),
                "memory_mb": round(cost.memory_mb),
            }
        )
    for evaluator in recipe.made_evaluators():
        cost = evaluator.cost(size)
        rows.append(
            {
                "recipe": recipe.name,
                "step": f"measure {evaluator.name}",
                "parameters": evaluator.parameters.model_dump(mode="json", exclude_defaults=True),
                "known": False,
                "seconds": round(cost.seconds),
                "memory_mb": round(cost.memory_mb),
            }
        )
    if as_json:
        for row in rows:
            emit(row)
        return
    click.echo(f"{recipe.name}: {recipe.description}, from {recipe.source}")
    cells = [
        (
            row["step"],
            ", ".join(f"{name}={value}" for name, value in row["parameters"].items()),
            "known" if row["known"] else f"about {row['seconds']} s",
            f"{row['memory_mb']} MB",
        )
        for row in rows
    ]
    click.echo(table(("STEP", "PARAMETERS", "TIME", "MEMORY"), cells, right=(2, 3)))
    click.echo("gates: " + ", ".join(gate.text for gate in recipe.gates_on(building.profile)))


def _tell_missed(built: Built, as_json: bool) -> None:
    if as_json:
        missed = [v.gate.text for v in built.verdicts if not v.passed]
        emit({"id": built.recipe.name, "passed": False, "missed": missed, **built.figures})
        return
    click.echo(verdict_table(built.verdicts))


def _tell_built(built: Built, folder: Path, installed: bool, as_json: bool) -> None:
    name = built.recipe.name
    if as_json:
        emit({"id": name, "passed": True, "path": str(folder), **built.figures})
        return
    click.echo(verdict_table(built.verdicts))
    click.echo(f"{name}: {summary(built.figures)}")
    click.echo(f"{folder}: report.html, manifest.json, signed")
    if installed:
        entry = built.origin.entry
        section, _, key = (setting_of(entry.stage if entry else "llm") or "").partition(".")
        put = f"put `{section}: {{{key}: {name}}}` into edgebot.yaml, or " if key else ""
        click.echo(f"Use it: {put}name it in a profile")


for _command in (onnx, list_, show, compare, sweep):
    build.add_command(_command)
