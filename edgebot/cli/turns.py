"""``edgebot turns``: where the time of the last turns went."""

from __future__ import annotations

import click

from edgebot.cli.context import settings_of
from edgebot.cli.output import emit, json_option
from edgebot.cli.table import table
from edgebot.runtime.live.ledger import STAGES, read, summary
from edgebot.runtime.live.starting import ledger_file


@click.command()
@click.option("--last", default=10, show_default=True, help="How many turns are listed.")
@json_option
@click.pass_context
def turns(ctx: click.Context, last: int, as_json: bool) -> None:
    """Show the last turns of the daemon and its response times, without a word of what was said.

    Times are milliseconds since the person stopped speaking.
    """
    file = ledger_file(settings_of(ctx))
    records = read(file) if file else []
    spread = summary(records)
    if as_json:
        emit({"turns": records[-last:] if last > 0 else [], "summary": spread})
        return
    if not records:
        click.echo("no turns yet; talk to `edgebot run`, then look again")
        return
    show_records = records[-last:] if last > 0 else []
    rows = [
        [r["at"][11:19], r["by"], r["route"], r["intent"] or "-"]
        + [_ms(r["ms"].get(stage)) for stage in STAGES]
        + ["broken off" if r["interrupted"] else ""]
        for r in show_records
    ]
    click.echo(table(["at", "by", "route", "intent", *STAGES, ""], rows))
    click.echo()
    click.echo(spread_table(spread))


def spread_table(spread: dict[str, dict[str, dict[str, float]]]) -> str:
    """Median and 95th percentile by route and stage, for people."""
    rows = [
        [route, stage, f"{one['p50']:.0f}", f"{one['p95']:.0f}", f"{one['n']:.0f}"]
        for route, stages in spread.items()
        for stage, one in stages.items()
    ]
    return table(["route", "stage", "p50 ms", "p95 ms", "turns"], rows)


def _ms(value: float | None) -> str:
    return "" if value is None else f"{value:.0f}"
