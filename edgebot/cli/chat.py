"""``edgebot chat``: a conversation at the keyboard."""

from __future__ import annotations

import contextlib
import signal
import sys
from collections.abc import Iterator
from types import FrameType

import click

from edgebot.cli.ask import readable
from edgebot.cli.context import assembly_of
from edgebot.config import paths
from edgebot.core.dialogue import Dialogue, Sentence
from edgebot.core.speech import Transcript
from edgebot.core.turn import Turn
from edgebot.runtime.turns import respond

WELCOME = "Type a question. Ctrl-C stops an answer, Ctrl-D or 'exit' ends the chat."


@click.command()
@click.option("--keep-history", is_flag=True, help="Remember what was typed for the next chat.")
@click.pass_context
def chat(ctx: click.Context, keep_history: bool) -> None:
    """Talk at the keyboard; the answer appears while it is being written."""
    dialogue = assembly_of(ctx).dialogue()
    if sys.stdin.isatty():
        click.echo(WELCOME, err=True)
    with _line_editing(keep_history):
        while (line := _next_line()) is not None:
            if line in ("exit", "quit"):
                break
            if line:
                answer(dialogue, line)


def answer(dialogue: Dialogue, line: str) -> None:
    """Print the answer to ``line`` as it comes; Ctrl-C ends it and keeps the program."""
    turn = Turn("chat")

    def show(sentence: Sentence) -> None:
        click.echo((" " if sentence.index else "") + sentence.text, nl=False)
        sys.stdout.flush()

    with _interrupt_cancels(turn):
        respond(turn, dialogue, Transcript(line, engine="text"), show)
    click.echo(" …" if turn.cancellation.is_set else "")


def _next_line() -> str | None:
    """What is typed next; None at the end, an empty line when Ctrl-C emptied it."""
    try:
        return readable(input("> " if sys.stdin.isatty() else ""))
    except EOFError:
        return None
    except KeyboardInterrupt:
        click.echo()
        return ""
    except UnicodeDecodeError:
        click.echo("that was no readable text", err=True)
        return ""


@contextlib.contextmanager
def _interrupt_cancels(turn: Turn) -> Iterator[None]:
    def cancel(number: int, frame: FrameType | None) -> None:
        turn.cancel()

    before = signal.signal(signal.SIGINT, cancel)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


@contextlib.contextmanager
def _line_editing(keep: bool) -> Iterator[None]:
    """Arrow keys and history where the terminal has them; on disk only if asked for."""
    try:
        import readline
    except ImportError:
        yield
        return
    file = paths.state_dir() / "chat_history"
    if keep:
        with contextlib.suppress(OSError):
            readline.read_history_file(file)
    yield
    if keep:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.touch(mode=0o600)
        readline.set_history_length(1000)
        readline.write_history_file(file)
