"""``edgebot build sweep``: a grid of variations and their Pareto front."""

from __future__ import annotations

from pathlib import Path

import click

from edgebot.build.charts import Point, points
from edgebot.build.pictures import write_chart
from edgebot.build.recipe import find_recipe, read_recipe
from edgebot.build.report import label
from edgebot.build.sweep import Outcome, objectives, pareto, run_here, run_on_ray, variants
from edgebot.cli.context import assembly_of
from edgebot.cli.output import emit, json_option
from edgebot.cli.table import table
from edgebot.core.errors import UsageError


@click.command("sweep")
@click.argument("recipe_name", metavar="RECIPE")
@click.option(
    "--vary",
    multiple=True,
    metavar="STEP.PARAMETER=VALUE,VALUE",
    help="Values to try; several of these are tried in every combination.",
)
@click.option(
    "--by",
    default="size_mb,kl",
    show_default=True,
    help="Figures that the Pareto front is about.",
)
@click.option("--jobs", type=click.IntRange(1, 64), default=1, show_default=True,
              help="Variations at a time.")  # fmt: skip
@click.option("--threads", type=click.IntRange(1, 64), default=1, show_default=True,
              help="Threads a step may use.")  # fmt: skip
@click.option("--ray", "address", help="Ray cluster to run on; 'local' starts one here.")
@click.option(
    "--data",
    type=click.Path(file_okay=False, exists=True, path_type=Path),
    envvar="EDGEBOT_DATA",
    help="Directory of development data ($DATA of the recipes).",
)
@click.option(
    "--chart", type=click.Path(dir_okay=False, path_type=Path), help="Also draw it, as SVG and PNG."
)
@json_option
@click.pass_context
def sweep(
    ctx: click.Context,
    recipe_name: str,
    vary: tuple[str, ...],
    by: str,
    jobs: int,
    threads: int,
    address: str | None,
    data: Path | None,
    chart: Path | None,
    as_json: bool,
) -> None:
    """Build a recipe in many variations and print the Pareto front; nothing is shipped."""
    file = find_recipe(recipe_name)
    recipe = read_recipe(file)
    grid = variants(recipe, vary)
    wanted = objectives(recipe, [name.strip() for name in by.split(",") if name.strip()])
    store = assembly_of(ctx).store

    def told(outcome: Outcome) -> None:
        click.echo(f"{outcome.label}: {outcome.problem or 'measured'}", err=True)

    if address:
        outcomes = run_on_ray(
            grid, file, store, address=address, data=data, threads=threads, told=told
        )
    else:
        outcomes = run_here(grid, file, store, data=data, jobs=jobs, threads=threads, told=told)
    front = pareto(outcomes, wanted)
    if as_json:
        for outcome in outcomes:
            emit(
                {
                    "variant": outcome.label,
                    "front": outcome in front,
                    "passed": outcome.passed,
                    "problem": outcome.problem,
                    **outcome.figures,
                }
            )
    else:
        click.echo(_table(outcomes, front, list(wanted)))
    if chart:
        write_chart(_chart(recipe.name, outcomes, front, list(wanted)), chart)


def _table(outcomes: list[Outcome], front: list[Outcome], names: list[str]) -> str:
    rows = [
        (
            "*" if outcome in front else "",
            outcome.label,
            "yes" if outcome.passed else "no",
            *(f"{outcome.figures[name]:.4g}" if name in outcome.figures else "-" for name in names),
        )
        for outcome in outcomes
    ]
    head = ("", "VARIANT", "GATES", *(name.upper() for name in names))
    return table(head, rows, right=range(3, len(head))) + "\n* on the Pareto front"


def _chart(title: str, outcomes: list[Outcome], front: list[Outcome], names: list[str]) -> str:
    if len(names) < 2:
        raise UsageError("a chart needs two figures at least; name them with --by")
    third = names[2] if len(names) > 2 else names[0]
    entries = [
        Point(o.label, o.figures[names[0]], o.figures[names[1]], o.figures[third], o in front)
        for o in outcomes
        if all(name in o.figures for name in names)
    ]
    if not entries:
        raise UsageError("no variation was measured; see what went wrong above")
    return points(f"Sweep of {title}", label(names[0]), label(names[1]), label(third), entries)
