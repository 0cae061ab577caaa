"""``edgebot backup``: settings and data in one file."""

from __future__ import annotations

from pathlib import Path

import click

from edgebot.cli.context import config_file_of, settings_of
from edgebot.cli.output import emit, json_option
from edgebot.cli.progress import human
from edgebot.deploy.backup import Places, back_up

SYSTEM_SETTINGS = Path("/etc/edgebot")


def places_of(ctx: click.Context) -> Places:
    """The data of these settings, and the folder of the settings of the machine.

    A settings file elsewhere (``./edgebot.yaml``) is under its owner's own care.
    """
    file = config_file_of(ctx)
    named = file is not None and ctx.find_root().obj.get("config_file")
    folder = file.resolve().parent if file is not None and named else SYSTEM_SETTINGS
    return Places(settings_of(ctx).state_dir, folder)


@click.command()
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False))
@json_option
@click.pass_context
def backup(ctx: click.Context, file: Path, as_json: bool) -> None:
    """Write settings and data (timers, lists, memory, knowledge) into FILE, at any time."""
    count = back_up(places_of(ctx), file)
    size = file.stat().st_size
    if as_json:
        emit({"file": str(file), "files": count, "bytes": size})
    else:
        click.echo(f"{file}: {count} files, {human(size)}; keep it safe, it is not encrypted")
