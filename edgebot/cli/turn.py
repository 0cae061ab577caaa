"""``edgebot turn``: a recording in, a spoken reply out."""

from __future__ import annotations

import time
from pathlib import Path

import click

from edgebot.cli.context import assembly_of
from edgebot.cli.output import emit, json_option
from edgebot.core.turn import Turn
from edgebot.runtime.answers import describe
from edgebot.runtime.hearing import open_stream
from edgebot.runtime.loading import load_side_by_side
from edgebot.runtime.turns import TurnReport, speech_turn, timings_ms


@click.command()
@click.argument("wav", type=click.Path(path_type=Path))
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    default=Path("reply.wav"),
    show_default=True,
    help="Where the spoken reply goes.",
)
@click.option(
    "--intents",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Sentence templates of your own instead of the built-in ones.",
)
@json_option
@click.pass_context
def turn(ctx: click.Context, wav: Path, out: Path, intents: Path | None, as_json: bool) -> None:
    """Answer the question in the recording WAV (any WAV or FLAC) by voice.

    Prints what was heard, the answer and where the time went.
    """
    assembly = assembly_of(ctx, intents)
    source = assembly.audio_file(wav)
    began = time.perf_counter()
    stt, tts, dialogue = load_side_by_side(assembly.stt, assembly.tts, assembly.dialogue)
    stream = open_stream(stt, assembly.understander(), dialogue.context("local"))
    load_ms = (time.perf_counter() - began) * 1000.0
    current = Turn("local")
    sink = assembly.audio_sink(out, tts.rate_hz)
    try:
        report = speech_turn(current, stream, dialogue, tts, source.frames(), sink)
        sink.close()
    finally:
        source.close()
        sink.discard()
    spans = {**timings_ms(current), "load": round(load_ms, 1)}
    if as_json:
        heard = {"transcript": report.transcript.text, **describe(report)}
        emit({**heard, "out": str(out), "timings_ms": spans})
    else:
        show(report, spans, out)


def show(report: TurnReport, spans: dict[str, float | None], out: Path) -> None:
    """The same for people."""
    click.echo(f"heard   {report.transcript.text or '(nothing)'}")
    click.echo(f"answer  {report.reply}")
    route = report.decision.route + (
        f", {report.decision.intent}" if report.decision.intent else ""
    )
    click.echo(f"route   {route}")
    for source in report.decision.sources:
        click.echo(f"source  {source}")
    click.echo("time    " + ", ".join(f"{k} {v:.0f} ms" for k, v in spans.items() if v is not None))
    click.echo(f"audio   {out}")
