"""``edgebot config``: are the settings right, what are they, and who says so."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click

from edgebot.cli.output import emit, json_option
from edgebot.cli.table import table
from edgebot.config.loader import Loaded, WrongSettings, find_file, load
from edgebot.config.profiles import profile_settings
from edgebot.config.yaml_file import Mistake, dotted
from edgebot.core.errors import ConfigError


@click.group()
def config() -> None:
    """Check or show the settings."""


@config.command("check")
@json_option
@click.pass_context
def check(ctx: click.Context, as_json: bool) -> None:
    """Name every mistake at once, with file and line; exits 78 when there is one."""
    named: Path | None = (ctx.find_root().obj or {}).get("config_file")
    try:
        loaded = _load(ctx)
    except WrongSettings as wrong:
        if not as_json:
            raise
        for mistake in wrong.mistakes:
            emit(_facts(mistake))
        ctx.exit(ConfigError.exit_code)
    except ConfigError as error:
        if not as_json:
            raise
        emit({"where": str(find_file(named) or ""), "key": "", "message": str(error)})
        ctx.exit(ConfigError.exit_code)
    if not as_json:
        click.echo(f"{loaded.file or 'no settings file, which is fine'}: nothing wrong")


@config.command("show")
@json_option
@click.pass_context
def show(ctx: click.Context, as_json: bool) -> None:
    """Print every setting in force and where it comes from."""
    loaded = _load(ctx)
    rows = []
    for key, value in loaded.values():
        if as_json:
            shown = str(value) if isinstance(value, Path) else value
            emit({"key": dotted(key), "value": shown, "origin": loaded.origin(key)})
        else:
            rows.append((dotted(key), _text(value), loaded.origin(key)))
    if rows:
        click.echo(table(("KEY", "VALUE", "FROM"), rows))


def _load(ctx: click.Context) -> Loaded:
    chosen = ctx.find_root().obj or {}
    return load(chosen.get("config_file"), profile_settings=profile_settings)


def _text(value: Any) -> str:
    if value is None:
        return "-"
    if isinstance(value, tuple | list):
        return ", ".join(map(str, value)) or "-"
    return str(value).lower() if isinstance(value, bool) else str(value)


def _facts(mistake: Mistake) -> dict[str, str]:
    return {"where": mistake.where, "key": mistake.key, "message": mistake.message}
