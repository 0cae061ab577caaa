"""``edgebot uninstall``: leave nothing behind."""

from __future__ import annotations

import os
from pathlib import Path

import click

from edgebot.cli.output import emit, json_option
from edgebot.core.errors import UsageError
from edgebot.deploy.board.layout import Layout
from edgebot.deploy.board.uninstall import uninstall as remove_all


@click.command()
@click.option("--keep-data", is_flag=True, help="Leave settings and data where they are.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option(
    "--root",
    type=click.Path(path_type=Path, file_okay=False, exists=True),
    default=Path("/"),
    help="A folder that was flashed instead of the whole machine.",
)
@json_option
def uninstall(keep_data: bool, yes: bool, root: Path, as_json: bool) -> None:
    """Remove everything a flash has put on this board: releases, units, user, settings and data."""
    layout = Layout(root)
    if not layout.home.is_dir():
        raise UsageError(f"nothing was flashed here ({layout.home} is not there)")
    if layout.whole_machine and os.geteuid() != 0:
        raise UsageError("only root can remove it: sudo edgebot uninstall")
    what = "every release" if keep_data else "every release, all settings and all data"
    if not yes:
        click.confirm(f"Remove {what} of edgebot from this machine?", abort=True, err=True)
    removed = remove_all(layout, keep_data=keep_data)
    if as_json:
        emit({"removed": removed})
    else:
        for place in removed:
            click.echo(f"removed {place}")
