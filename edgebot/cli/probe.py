"""``edgebot probe``: may the language model choose tools?"""

from __future__ import annotations

from dataclasses import asdict

import click

from edgebot.cli.context import assembly_of
from edgebot.cli.output import emit, json_option
from edgebot.runtime import probes


@click.command()
@json_option
@click.pass_context
def probe(ctx: click.Context, as_json: bool) -> None:
    """Measure whether the language model can choose tools, and remember it."""
    assembly = assembly_of(ctx)
    entry = assembly.plan.model("llm")
    result = probes.measure(assembly.language_model())
    file = probes.record(entry, result, assembly.settings.models_dir)
    if as_json:
        emit({"id": entry.id, **asdict(result), "able": result.able, "file": str(file)})
        return
    click.echo(
        f"{entry.id}: right tool {result.right_tool:.0%}, with right arguments "
        f"{result.right_arguments:.0%} (needs {probes.LEAST_RIGHT:.0%}), false calls "
        f"{result.false_calls:.0%} (at most {probes.MOST_FALSE:.0%})"
    )
    click.echo(f"Tools are {'on' if result.able else 'off'} for this model.")
