"""``edgebot privacy``: what is kept about people, and removing it."""

from __future__ import annotations

from dataclasses import asdict

import click

from edgebot.cli.context import settings_of
from edgebot.cli.output import emit, json_option
from edgebot.cli.table import table
from edgebot.core.errors import UsageError


@click.group()
def privacy() -> None:
    """Show what is kept about people, or remove it for good."""


@privacy.command("report")
@json_option
@click.pass_context
def report_(ctx: click.Context, as_json: bool) -> None:
    """Show every file that edgebot keeps about people, and whether anything leaves the machine."""
    from edgebot.runtime.leaving import leaves_the_machine
    from edgebot.runtime.privacy import report

    settings = settings_of(ctx)
    kept = report(settings)
    sent = leaves_the_machine(settings)
    if as_json:
        for one in kept:
            emit(one.as_json())
        emit({
            "what": "summary",
            "sound_kept": False,
            "words_kept": settings.dialogue.keep_words,
            "words_days": settings.dialogue.keep_words_days,
            "sent": [asdict(one) for one in sent],
        })  # fmt: skip
        return
    rows = [
        [one.what, str(one.entries), str(one.size_bytes), one.since[:10], one.retention]
        for one in kept
    ]
    click.echo(table(("what", "entries", "bytes", "since", "kept"), rows, right=(1, 2)))
    click.echo()
    for one in kept:
        if one.entries:
            click.echo(f"{one.what}: {one.holds}\n  {one.path}")
    words = "kept with the turns" if settings.dialogue.keep_words else "not kept"
    click.echo("\nSound is never kept.")
    click.echo(f"What you say is {words} (dialogue.keep_words).")
    if not sent:
        click.echo("Nothing leaves this machine.")
    for door in sent:
        silent = "" if door.words else "; no words"
        click.echo(f"To {door.to}: {door.what}{silent} ({door.setting}).")


@privacy.command("wipe")
@click.option("--turns", is_flag=True, help="Turn log, latency ledger and wake scores.")
@click.option("--memory", is_flag=True, help="What was to be remembered.")
@click.option("--lists", is_flag=True, help="Lists and what is on them.")
@click.option("--promises", is_flag=True, help="Timers, alarms and reminders.")
@click.option("--voices", is_flag=True, help="Enrolled voices.")
@click.option("--all", "everything", is_flag=True, help="All of these.")
@click.option("--person", metavar="NAME", help="Lists and memories that are NAME's own.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.pass_context
def wipe_(
    ctx: click.Context, /, everything: bool, yes: bool, person: str | None, **chosen: bool
) -> None:
    """Remove what is kept, in the files and in their backups too.

    Turns and voices are held in memory by a running daemon: stop it before those are wiped.
    """
    from edgebot.runtime.privacy import KINDS, wipe, wipe_person

    kinds = [kind for kind in KINDS if everything or chosen.get(kind)]
    if not kinds and not person:
        named = ", ".join(f"--{kind}" for kind in KINDS)
        raise UsageError(f"say what is to be removed: {named}, --person NAME or --all")
    if not yes:
        what = [*kinds, *([f"what is {person}'s own"] if person else [])]
        click.confirm(f"Remove {', '.join(what)} for good?", abort=True, err=True)
    if person:
        click.echo(wipe_person(settings_of(ctx), person))
    for line in wipe(settings_of(ctx), kinds):
        click.echo(line)
