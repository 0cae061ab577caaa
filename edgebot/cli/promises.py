"""``edgebot promises``: timers, alarms and reminders that are set, and what became of them."""

from __future__ import annotations

from datetime import datetime

import click

from edgebot.cli.context import settings_of
from edgebot.cli.output import emit, json_option
from edgebot.cli.table import table
from edgebot.core.errors import UsageError
from edgebot.dialogue.clock import SystemClock
from edgebot.dialogue.store.promises import Promise
from edgebot.dialogue.store.store import Store


@click.command()
@click.option("--cancel", type=int, multiple=True, metavar="ID", help="Call off the one with ID.")
@json_option
@click.pass_context
def promises(ctx: click.Context, cancel: tuple[int, ...], as_json: bool) -> None:
    """List the timers, alarms and reminders that are still to come, soonest first."""
    settings = settings_of(ctx)
    clock = SystemClock(settings.time_zone)
    store = Store(settings.state_dir, clock)
    ctx.call_on_close(store.close)
    if cancel and store.promises.cancel(cancel) < len(set(cancel)):
        raise UsageError("nothing that is still to come has that number; see: edgebot promises")
    rows = [_row(promise, clock) for promise in store.promises.open()]
    if as_json:
        for row in rows:
            emit(row)
    elif rows:
        head = ("id", "kind", "label", "state", "due", "left_s")
        click.echo(table(head, [[row[name] for name in head] for row in rows], right=(0, 5)))
    for notice in store.file.notices:
        click.echo(notice, err=True)


def _row(promise: Promise, clock: SystemClock) -> dict[str, object]:
    due: datetime | None = promise.due.astimezone(clock.zone) if promise.due else None
    again = promise.recurrence.as_json() if promise.recurrence else None
    return {
        "id": promise.id,
        "kind": promise.kind,
        "label": promise.label,
        "state": promise.state,
        "due": due.isoformat(timespec="seconds") if due else "",
        "left_s": round(promise.left_s, 1),
        "recurrence": again,
    }
