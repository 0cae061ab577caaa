"""``edgebot run``: the daemon that listens and answers."""

from __future__ import annotations

import logging
import os
import signal
import sys
import threading

import click

from edgebot.cli.context import assembly_of, config_file_of, settings_of
from edgebot.config.settings import Settings
from edgebot.core.cancel import Cancellation
from edgebot.core.errors import ConfigError
from edgebot.runtime.live.bus import Bus
from edgebot.runtime.live.daemon import Daemon, Order
from edgebot.runtime.live.health import ServiceNotifier, Stall
from edgebot.runtime.live.instance import Instance
from edgebot.runtime.live.panel import Panel
from edgebot.runtime.live.reloading import can_apply
from edgebot.runtime.live.starting import manners_of, open_daemon, warm_up
from edgebot.runtime.live.telling import Teller
from edgebot.runtime.wiring import Assembly
from edgebot.server.doors import services_of
from edgebot.server.house import House
from edgebot.server.rim import Rim

_LOG = logging.getLogger(__name__)

STALLED = 75
"""Exit code when a stage does not answer (``EX_TEMPFAIL``): the service is to be started anew."""

_GRACE_S = 1.8
"""After an order to stop, the process ends after so many seconds whatever its threads do."""


@click.command()
@click.option("--no-warm-up", is_flag=True, help="Load the language model only when it is needed.")
@click.pass_context
def run(ctx: click.Context, no_warm_up: bool) -> None:
    """Listen for the wake word and answer, until stopped.

    Ctrl-C or SIGTERM stops it, SIGHUP reads the settings again, SIGUSR1 opens the microphone
    (`edgebot listen`).
    """
    settings = settings_of(ctx)
    for number in (signal.SIGHUP, signal.SIGUSR1):  # they would end a process that still loads
        signal.signal(number, signal.SIG_IGN)
    instance = Instance(settings.state_dir)
    notifier = ServiceNotifier()
    try:
        order: Order = "reload"
        assembly = assembly_of(ctx)
        while order == "reload":
            order = serve(ctx, assembly, notifier, warm=not no_warm_up)
            if order == "reload":
                assembly.close()
                assembly = assembly_of(ctx)
    finally:
        notifier.stopping()
        instance.close()


def serve(
    ctx: click.Context, assembly: Assembly, notifier: ServiceNotifier, *, warm: bool
) -> Order:
    """Run a daemon over ``assembly`` until it is stopped or wants to be built anew."""
    click.echo("edgebot: loading …", err=True)
    services = services_of(assembly.settings)
    sound = assembly.sound()
    bus = Bus()
    teller = Teller(bus)
    daemon = open_daemon(assembly, sound, hooks=teller.hooks(assembly.wake_followed))
    daemon.parts.notifier = notifier
    rim = Rim(House(assembly, bus, daemon, teller, config_file_of(ctx)), services)
    rim.house.remember_mute()
    panel = Panel(assembly.settings, daemon, bus)
    ending = Cancellation()
    warming: list[threading.Thread] = []
    words = assembly.wake_word()
    names = ", ".join(f'"{word}"' for word in words.words) if words else "no wake word"

    def ready() -> None:
        rim.start()
        panel.start()
        notifier.ready()
        click.echo(f"edgebot: listening for {names}; Ctrl-C stops", err=True)
        if warm:
            warming.append(warm_up(assembly, daemon, ending))

    _install_signals(daemon)
    try:
        return daemon.run(ready, _give_up, lambda: _reload(ctx, assembly, daemon, notifier))
    finally:
        ending.cancel()
        panel.close()
        rim.close()
        sound.close()
        for thread in warming:
            # Engines must not be closed under it. After an order to stop, the timer ends the wait.
            thread.join()


def _install_signals(daemon: Daemon) -> None:
    orders: dict[signal.Signals, Order] = {
        signal.SIGHUP: "reload",
        signal.SIGUSR1: "listen",
    }
    for number, order in orders.items():
        signal.signal(number, lambda *_, order=order: daemon.order(order))
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: _stop(daemon))


def _give_up(stall: Stall) -> None:
    """A thread that hangs can be neither ended nor joined: leave it to the supervisor."""
    click.echo(
        f"edgebot: {stall.stage} has not answered for {stall.silent_s:.1f} s; "
        "ending, so that it is started anew",
        err=True,
    )
    sys.stderr.flush()
    os._exit(STALLED)


def _stop(daemon: Daemon) -> None:
    """End in good order, or else all the same: a native call may not return."""
    daemon.parts.notifier.stopping()
    daemon.order("stop")
    timer = threading.Timer(_GRACE_S, lambda: os._exit(0))
    timer.daemon = True
    timer.start()


def _reload(
    ctx: click.Context, assembly: Assembly, daemon: Daemon, notifier: ServiceNotifier
) -> bool:
    """Read the settings again; False when the daemon has to be built anew for them.

    Wrong settings are reported, and those in force stay.
    """
    notifier.reloading()
    try:
        fresh = settings_of(ctx)
    except ConfigError as problem:
        _LOG.error("%s", problem)
        notifier.ready()
        return True
    if not can_apply(assembly.settings, fresh):
        return False
    _apply(fresh, assembly, daemon)
    notifier.ready()
    return True


def _apply(fresh: Settings, assembly: Assembly, daemon: Daemon) -> None:
    assembly.settings = fresh
    daemon.listener.manners = manners_of(fresh)
    if (wake := assembly.wake_word()) is not None:
        wake.set_sensitivity(fresh.wake.sensitivity)
    logging.getLogger().setLevel(fresh.log_level)


@click.command()
@click.pass_context
def listen(ctx: click.Context) -> None:
    """Open the microphone of the running daemon, as if the wake word had been said."""
    from edgebot.runtime.live.instance import tell

    tell(settings_of(ctx).state_dir, signal.SIGUSR1)
    click.echo("listening")
