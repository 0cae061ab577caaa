"""``edgebot``: finds the verb, runs it, turns errors into exit codes."""

from __future__ import annotations

import difflib
import importlib
import logging
import os
import sys
from pathlib import Path
from typing import Any

import click

from edgebot import __version__
from edgebot.core.errors import EdgebotError, UsageError

VERBS = {
    "run": ("edgebot.cli.run:run", "Listen for the wake word and answer, until stopped."),
    "listen": ("edgebot.cli.run:listen", "Open the microphone of the running daemon."),
    "satellite": ("edgebot.cli.satellite:satellite", "Be the satellite of a Home Assistant."),
    "ctl": ("edgebot.cli.ctl:ctl", "Order the running assistant about."),
    "serve": ("edgebot.cli.serve:serve", "Serve HTTP and the other doors without a microphone."),
    "server": ("edgebot.cli.server:server", "Make the token and show the certificate of HTTP."),
    "turns": ("edgebot.cli.turns:turns", "Show where the time of the last turns went."),
    "chat": ("edgebot.cli.chat:chat", "Talk at the keyboard."),
    "ask": ("edgebot.cli.ask:ask", "Answer a typed question."),
    "bench": ("edgebot.cli.bench:bench", "Measure this machine."),
    "wake": ("edgebot.cli.wake:wake", "List, try and tune the wake words."),
    "voices": ("edgebot.cli.voices:voices", "Tell people apart by their voices."),
    "nlu": ("edgebot.cli.nlu:nlu", "Train and evaluate an intent classifier."),
    "parse": ("edgebot.cli.parse:parse", "Show what a text is understood as."),
    "intents": ("edgebot.cli.intents:intents", "List, check and sample what can be said."),
    "explain": ("edgebot.cli.explain:explain", "Tell why a turn was answered as it was."),
    "skills": ("edgebot.cli.skills:skills", "List the skills."),
    "promises": ("edgebot.cli.promises:promises", "List timers, alarms and reminders."),
    "privacy": ("edgebot.cli.privacy:privacy", "Show what is kept about people, or remove it."),
    "doctor": ("edgebot.cli.doctor:doctor", "Check this machine."),
    "kb": ("edgebot.cli.kb:kb", "Import, search and ask documents."),
    "profile": ("edgebot.cli.profile:profile", "Show the hardware and what follows from it."),
    "probe": ("edgebot.cli.probe:probe", "Measure whether the language model can choose tools."),
    "models": ("edgebot.cli.models:models", "List, fetch and verify model files."),
    "flash": ("edgebot.cli.flash:flash", "Put a release onto a board and prove that it works."),
    "image": ("edgebot.cli.image:image", "Make a disk image whose first boot needs no network."),
    "backup": ("edgebot.cli.backup:backup", "Write settings and data into one file."),
    "restore": ("edgebot.cli.restore:restore", "Bring settings and data back from a backup."),
    "uninstall": ("edgebot.cli.uninstall:uninstall", "Remove everything a flash has put here."),
    "build": ("edgebot.cli.build:build", "Make models for the board from others."),
    "bundle": ("edgebot.cli.bundle:bundle", "Make one signed file with all a board needs."),
    "config": ("edgebot.cli.config:config", "Check or show the settings."),
    "say": ("edgebot.cli.say:say", "Speak a text."),
    "transcribe": ("edgebot.cli.transcribe:transcribe", "Write down what a recording says."),
    "turn": ("edgebot.cli.turn:turn", "Answer the question in a recording by voice."),
}
"""Verb → where its command lives and its one-line help; imported when called."""


class LazyVerbs(click.Group):
    """A group that imports a verb only when it is called, so that ``--help`` is quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """All verbs, sorted."""
        return sorted(VERBS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import the command behind ``cmd_name``; None when there is none."""
        if cmd_name not in VERBS:
            return None
        module, _, attribute = VERBS[cmd_name][0].partition(":")
        command: click.Command = getattr(importlib.import_module(module), attribute)
        return command

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        """As click does, with the nearest verb named when there is no such one."""
        if args and args[0] not in VERBS and not args[0].startswith("-"):
            near = difflib.get_close_matches(args[0], VERBS, n=1)
            hint = f"; did you mean '{near[0]}'?" if near else "; see 'edgebot --help'"
            ctx.fail(f"there is no verb '{args[0]}'{hint}")
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """List the verbs without importing them."""
        with formatter.section("Verbs"):
            formatter.write_dl([(name, VERBS[name][1]) for name in sorted(VERBS)])


@click.group(cls=LazyVerbs, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="edgebot")
@click.option(
    "--config",
    "config_file",
    type=click.Path(dir_okay=False, path_type=Path),
    envvar="EDGEBOT_CONFIG",
    help="Settings file; ./edgebot.yaml or /etc/edgebot/edgebot.yaml when absent.",
)
@click.option("-v", "--verbose", count=True, help="Log more (-v: INFO, -vv: DEBUG).")
@click.pass_context
def cli(ctx: click.Context, config_file: Path | None, verbose: int) -> None:
    """A voice assistant that lives entirely on this machine."""
    ctx.obj = {"config_file": config_file}
    level = {0: None, 1: logging.INFO}.get(verbose, logging.DEBUG)
    logging.basicConfig(
        level=level or logging.WARNING,
        stream=sys.stderr,
        format="%(levelname)s %(name)s: %(message)s",
    )
    ctx.obj["level"] = level


def main(arguments: list[str] | None = None) -> Any:
    """Run the command line and exit with the code the outcome deserves."""
    try:
        code = cli.main(args=arguments, prog_name="edgebot", standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)
    except click.exceptions.Abort:
        click.echo("interrupted", err=True)
        sys.exit(130)
    except click.ClickException as problem:
        problem.show()
        sys.exit(UsageError.exit_code)
    except EdgebotError as problem:
        click.echo(f"edgebot: {problem}", err=True)
        sys.exit(problem.exit_code)
    except BrokenPipeError:
        # Whoever read our output has gone (``edgebot … | head``): that is no failure of ours.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
