"""What every verb starts from: the settings and the wired-up engines."""

from __future__ import annotations

import logging
from pathlib import Path

import click

from edgebot.config.loader import find_file, load_settings
from edgebot.config.profiles import profile_settings
from edgebot.config.settings import Settings
from edgebot.runtime.wiring import Assembly


def settings_of(ctx: click.Context) -> Settings:
    """The settings this call runs with; raises ``ConfigError`` when they are wrong."""
    chosen = ctx.find_root().obj or {}
    settings = load_settings(chosen.get("config_file"), profile_settings=profile_settings)
    if chosen.get("level") is None:
        logging.getLogger().setLevel(settings.log_level)
    return settings


def config_file_of(ctx: click.Context) -> Path | None:
    """The settings file this call was given or found."""
    return find_file((ctx.find_root().obj or {}).get("config_file"))


def assembly_of(
    ctx: click.Context, intents_file: Path | None = None, language: str | None = None
) -> Assembly:
    """The engines these settings mean, closed when the command ends.

    ``language``: another one than the settings say.
    """
    settings = settings_of(ctx)
    if language is not None:
        settings = settings.model_copy(update={"language": language})
    assembly = Assembly(settings, intents_file)
    ctx.call_on_close(assembly.close)
    return assembly
