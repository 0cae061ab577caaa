"""``edgebot ask``: a typed question, a written answer."""

from __future__ import annotations

import click

from edgebot.cli.context import assembly_of
from edgebot.cli.output import emit, json_option, lines
from edgebot.core.dialogue import Dialogue
from edgebot.core.errors import UsageError
from edgebot.core.speech import Transcript
from edgebot.core.turn import Turn
from edgebot.runtime.answers import describe
from edgebot.runtime.turns import TurnReport, respond, timings_ms

MAX_CHARACTERS = 20_000
"""Longer texts are no questions; they are cut, and said to be."""


@click.command()
@click.argument("text")
@click.option("--session", default="local", show_default=True, help="Whose conversation it is.")
@json_option
@click.pass_context
def ask(ctx: click.Context, text: str, session: str, as_json: bool) -> None:
    """Answer TEXT; '-' answers each line of standard input as one dialogue."""
    assembly = assembly_of(ctx)
    if text != "-" and not readable(text):
        raise UsageError('there is nothing to answer; try: edgebot ask "what time is it"')
    dialogue = assembly.dialogue()
    for line in lines(text):
        asked = readable(line)
        if not asked:
            continue
        turn = Turn(session)
        report = typed_turn(dialogue, turn, asked)
        if as_json:
            timings = {k: v for k, v in timings_ms(turn).items() if k not in _SPEECH_ONLY}
            emit({**describe(report), "timings_ms": timings})
        else:
            click.echo(report.reply)


_SPEECH_ONLY = ("stt", "first_audio")


def typed_turn(dialogue: Dialogue, turn: Turn, text: str) -> TurnReport:
    """One typed exchange, to its end."""
    report = respond(turn, dialogue, Transcript(text, engine="text"))
    turn.mark("done")
    return report


def readable(text: str) -> str:
    """``text`` without control characters and lone surrogates, cut at :data:`MAX_CHARACTERS`."""
    if len(text) > MAX_CHARACTERS:
        click.echo(f"only the first {MAX_CHARACTERS} characters were read", err=True)
        text = text[:MAX_CHARACTERS]
    text = text.encode("utf-8", errors="ignore").decode("utf-8")
    return "".join(c if c.isprintable() else " " for c in text).strip()
