"""``edgebot doctor``: is this machine fit, and what to do where it is not."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import asdict

import click

from edgebot.cli.context import settings_of
from edgebot.cli.output import emit, json_option
from edgebot.config.loader import WrongSettings
from edgebot.config.settings import Settings
from edgebot.core.errors import ConfigError
from edgebot.runtime.checks import Check, run_checks
from edgebot.runtime.wiring import Assembly

COLOURS = {"ok": "green", "warn": "yellow", "fail": "red"}


@click.command()
@json_option
@click.pass_context
def doctor(ctx: click.Context, as_json: bool) -> None:
    """Check the machine; exits 1 when something must be mended."""
    failed = False
    for check in _checks(ctx):
        failed = failed or check.status == "fail"
        if as_json:
            emit(asdict(check))
            continue
        mark = click.style(f"{check.status:4}", fg=COLOURS[check.status])
        click.echo(f"{mark}  {check.name}: {check.message}")
        if check.next_step:
            click.echo(f"      → {check.next_step}")
    if failed:
        ctx.exit(1)


def _checks(ctx: click.Context) -> Iterator[Check]:
    try:
        settings = settings_of(ctx)
        yield Check("settings", "ok", "nothing wrong")
    except WrongSettings as wrong:
        for mistake in wrong.mistakes:
            yield Check("settings", "fail", str(mistake), "mend it; see `edgebot config check`")
        settings = Settings()
    except ConfigError as error:
        yield Check("settings", "fail", str(error), "see `edgebot config check`")
        settings = Settings()
    with Assembly(settings) as assembly:
        try:
            yield from run_checks(assembly)
        except ConfigError as error:  # a profile or the catalogue cannot even be read
            yield Check("profiles and catalogue", "fail", str(error), "mend the lines above")
