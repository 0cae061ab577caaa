"""``edgebot ctl``: order the running assistant about."""

from __future__ import annotations

from typing import Any

import click

from edgebot.cli.context import settings_of
from edgebot.cli.output import emit, json_option


@click.group()
def ctl() -> None:
    """Order the running assistant about, over its control socket."""


@ctl.command()
@json_option
@click.pass_context
def status(ctx: click.Context, as_json: bool) -> None:
    """Show what the running assistant does now."""
    answer = _send(ctx, "status")
    if as_json:
        emit(answer)
        return
    microphone = "none" if not answer["listens"] else _mute_words(answer["microphone_muted"])
    click.echo(f"state       {answer['state']}")
    click.echo(f"microphone  {microphone}")
    click.echo(f"speaker     {_mute_words(answer['speaker_muted'])}")
    click.echo(f"volume      {answer['volume']} %")
    click.echo(f"timers      {answer['timers']}")
    click.echo(f"version     {answer['version']}")


@ctl.command()
@click.argument("text", nargs=-1, required=True)
@click.pass_context
def say(ctx: click.Context, text: tuple[str, ...]) -> None:
    """Have the running assistant speak TEXT in the room."""
    _send(ctx, "say", text=" ".join(text))


@ctl.command()
@click.pass_context
def listen(ctx: click.Context) -> None:
    """Open the microphone, as if the wake word had been said."""
    _send(ctx, "listen")
    click.echo("listening")


@ctl.command()
@click.option("--speaker", is_flag=True, help="Silence the loudspeaker, not the microphone.")
@click.pass_context
def mute(ctx: click.Context, speaker: bool) -> None:
    """Close the microphone until `unmute`; a restart does not open it."""
    _send(ctx, "mute", what="speaker" if speaker else "microphone")
    click.echo("the loudspeaker is silent" if speaker else "the microphone is closed")


@ctl.command()
@click.option("--speaker", is_flag=True, help="Let the loudspeaker be heard again.")
@click.pass_context
def unmute(ctx: click.Context, speaker: bool) -> None:
    """Open the microphone again."""
    _send(ctx, "unmute", what="speaker" if speaker else "microphone")
    click.echo("the loudspeaker is heard again" if speaker else "the microphone is open")


@ctl.command()
@click.pass_context
def stop(ctx: click.Context) -> None:
    """Break off what is being said or rings; the assistant goes on running."""
    _send(ctx, "stop")
    click.echo("stopped")


def _send(ctx: click.Context, do: str, **arguments: Any) -> dict[str, Any]:
    from edgebot.server.control.client import send

    return send(settings_of(ctx).state_dir, do, **arguments)


def _mute_words(muted: bool) -> str:
    return "muted" if muted else "on"
