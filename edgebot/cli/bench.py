"""``edgebot bench``: measure this machine."""

from __future__ import annotations

import tempfile

import click

from edgebot.cli.context import settings_of
from edgebot.cli.output import emit, json_option
from edgebot.cli.turns import spread_table
from edgebot.runtime.live.ledger import summary
from edgebot.runtime.wiring import Assembly

QUESTIONS = (
    "what time is it",
    "why is the sky blue",
    "set a timer for ten minutes",
    "what is the capital of france",
    "what is seven times eight",
    "tell me something nice about elephants please",
)


@click.group()
def bench() -> None:
    """Measure this machine."""


@bench.command()
@click.option(
    "--rounds", default=3, show_default=True, type=click.IntRange(1, 100), help="How often."
)
@click.option(
    "--question", "questions", multiple=True, help="Ask this instead of the built-in ones."
)
@json_option
@click.pass_context
def live(ctx: click.Context, rounds: int, questions: tuple[str, ...], as_json: bool) -> None:
    """Ask the daemon aloud in a simulated room and show its response times.

    No sound device is needed, and nothing that is said is kept: the daemon has a state directory
    of its own. Times are milliseconds since the last sound of the question.
    """
    from edgebot.runtime.live.measuring import Row, measure

    settings = settings_of(ctx)
    asked = list(questions or QUESTIONS) * rounds

    def tell(question: str, row: Row) -> None:
        click.echo(f"  {question}: {row['route']}, {row['first_audio']:.0f} ms", err=True)

    with tempfile.TemporaryDirectory() as state:
        own = settings.model_copy(
            update={
                "state_dir": type(settings.state_dir)(state),
                "wake": settings.wake.model_copy(update={"enabled": False}),
            }
        )
        click.echo("loading …", err=True)
        with Assembly(own) as assembly:
            rows = measure(assembly, asked, tell)
    spread = summary([{"route": row["route"], "ms": row} for row in rows])
    if as_json:
        emit({"turns": rows, "summary": spread})
    else:
        click.echo(spread_table(spread))
