"""``edgebot restore``: settings and data back from a backup."""

from __future__ import annotations

from pathlib import Path

import click

from edgebot.cli import backup as backups
from edgebot.cli.output import emit, json_option
from edgebot.core.errors import UsageError
from edgebot.deploy import backup as deploy
from edgebot.runtime.live.instance import running


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@json_option
@click.pass_context
def restore(ctx: click.Context, file: Path, as_json: bool) -> None:
    """Put what FILE holds in place of today's settings and data, which are kept beside them."""
    places = backups.places_of(ctx)
    if (process := running(places.data)) is not None:
        raise UsageError(
            f"edgebot is running (process {process}); stop it first: `systemctl stop edgebot`"
        )
    count = deploy.restore(places, file)
    if as_json:
        emit({"file": str(file), "files": count})
    else:
        click.echo(f"{count} files restored; what was there is in {places.data}.before-restore")
