"""``edgebot satellite``: microphone and loudspeaker for a Home Assistant elsewhere."""

from __future__ import annotations

import asyncio
import signal

import click

from edgebot.cli.context import assembly_of
from edgebot.runtime.live.instance import Instance


@click.command()
@click.pass_context
def satellite(ctx: click.Context) -> None:
    """Be the satellite of a Home Assistant: hear the wake word here, let it answer.

    Nothing but the wake word is heard by this machine itself; what follows it goes to the hub that
    has connected (`wyoming.satellite_port`), and its answer is played. Ctrl-C or SIGTERM stops it.
    """
    from edgebot.server.wyoming.satellite import SatelliteDoor

    assembly = assembly_of(ctx)
    settings = assembly.settings
    instance = Instance(settings.state_dir)
    ctx.call_on_close(instance.close)
    wake = assembly.wake_word()
    sound = assembly.sound()
    ctx.call_on_close(sound.close)
    door = SatelliteDoor(settings.wyoming, sound, wake)

    async def serve() -> None:
        stop = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        names = ", ".join(f'"{word}"' for word in wake.words) if wake else "no wake word"
        where = f"{settings.wyoming.host}:{settings.wyoming.satellite_port}"
        click.echo(f"edgebot: satellite at {where}, listening for {names}", err=True)
        await door.serve(stop)

    asyncio.run(serve())
