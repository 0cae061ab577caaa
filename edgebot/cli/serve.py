"""``edgebot serve``: the doors to the outside, without microphone and loudspeaker."""

from __future__ import annotations

import queue
import signal

import click

from edgebot.cli.context import config_file_of, settings_of
from edgebot.runtime.live.bus import Bus
from edgebot.runtime.live.health import ServiceNotifier
from edgebot.runtime.live.instance import Instance
from edgebot.runtime.live.reloading import can_apply
from edgebot.runtime.loading import load_side_by_side
from edgebot.runtime.wiring import Assembly
from edgebot.server.doors import services_of
from edgebot.server.house import House
from edgebot.server.rim import Rim


@click.command()
@click.option("--no-warm-up", is_flag=True, help="Load engines only when they are needed.")
@click.pass_context
def serve(ctx: click.Context, no_warm_up: bool) -> None:
    """Serve HTTP and the other doors on a machine without a sound card, until stopped.

    Ctrl-C or SIGTERM stops it, SIGHUP reads the settings again.
    """
    instance = Instance(settings_of(ctx).state_dir)
    notifier = ServiceNotifier()
    orders: queue.SimpleQueue[str] = queue.SimpleQueue()
    for number, order in _ORDERS.items():
        signal.signal(number, lambda *_, order=order: orders.put(order))
    try:
        while _until_ordered(ctx, notifier, orders, warm=not no_warm_up) == "reload":
            pass
    finally:
        notifier.stopping()
        instance.close()


_ORDERS = {signal.SIGHUP: "reload", signal.SIGTERM: "stop", signal.SIGINT: "stop"}


def _reload(ctx: click.Context, assembly: Assembly, orders: queue.SimpleQueue[str]) -> None:
    """Take the settings over, or have everything built anew for them."""
    fresh = settings_of(ctx)
    if can_apply(assembly.settings, fresh):
        assembly.settings = fresh
    else:
        orders.put("reload")


def _until_ordered(
    ctx: click.Context, notifier: ServiceNotifier, orders: queue.SimpleQueue[str], *, warm: bool
) -> str:
    with Assembly(settings_of(ctx)) as assembly:
        services = services_of(assembly.settings)
        house = House(assembly, Bus(), config_file=config_file_of(ctx))
        house.on_reload = lambda: _reload(ctx, assembly, orders)
        if warm:
            click.echo("edgebot: loading …", err=True)
            load_side_by_side(assembly.stt, assembly.tts, assembly.dialogue)
        with Rim(house, services):
            notifier.ready()
            names = ", ".join(service.name for service in services) or "nothing"
            click.echo(f"edgebot: serving {names}; Ctrl-C stops", err=True)
            while True:
                try:
                    return orders.get(timeout=1.0)
                except queue.Empty:
                    notifier.watchdog()
