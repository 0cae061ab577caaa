"""``edgebot skills``: what the assistant can do, and which plug-ins could not be loaded."""

from __future__ import annotations

import click

from edgebot.cli.context import settings_of
from edgebot.cli.output import emit, json_option
from edgebot.cli.table import table
from edgebot.runtime.skills import skill_report


@click.command()
@json_option
@click.pass_context
def skills(ctx: click.Context, as_json: bool) -> None:
    """List the skills with their intents; plug-ins that could not be loaded say why."""
    reports = skill_report(settings_of(ctx))
    if as_json:
        for report in reports:
            emit(report)
        return
    rows = [(one["name"], one["state"], ", ".join(one["intents"])) for one in reports]
    click.echo(table(("skill", "state", "intents"), rows))
    for report in reports:
        if report["problem"]:
            click.echo(report["problem"], err=True)
