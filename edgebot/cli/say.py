"""``edgebot say``: a text, spoken."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import click

from edgebot.cli.ask import readable
from edgebot.cli.context import assembly_of
from edgebot.cli.output import emit, json_option, lines
from edgebot.core.cancel import Cancellation
from edgebot.core.errors import UsageError
from edgebot.core.speech import TextToSpeech
from edgebot.runtime.wiring import Assembly


@click.command()
@click.argument("text")
@click.option(
    "--out",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write a WAV instead of playing; with '-' a number is added for each line.",
)
@json_option
@click.pass_context
def say(ctx: click.Context, text: str, out: Path | None, as_json: bool) -> None:
    """Speak TEXT on the sound card, or into a WAV; '-' speaks each line of standard input."""
    assembly = assembly_of(ctx)
    if text != "-" and not readable(text):
        raise UsageError('there is nothing to say; try: edgebot say "hello"')
    voice = assembly.tts()
    for number, line in enumerate(lines(text), 1):
        wanted = readable(line)
        if not wanted:
            continue
        target = numbered(out, number) if out and text == "-" else out
        result = speak(assembly, voice, wanted, target)
        if as_json:
            emit(result)
        elif target:
            click.echo(f"{target}  {result['audio_s']:.2f} s, RTF {result['rtf']:.3f}")


def speak(
    assembly: Assembly, voice: TextToSpeech, text: str, target: Path | None
) -> dict[str, Any]:
    """Speak one text; how long it took and how long it is."""
    sink = assembly.audio_sink(target, voice.rate_hz) if target else assembly.speaker(voice.rate_hz)
    audio_s = work_s = 0.0
    first_audio_ms: float | None = None
    began = time.perf_counter()
    try:
        # What the speaker takes to play is not counted: only the voice's own work is.
        for frame in voice.synthesize(text, Cancellation()):
            work_s += time.perf_counter() - began
            if first_audio_ms is None:
                first_audio_ms = work_s * 1000.0
            audio_s += frame.duration_s
            sink.write(frame)
            began = time.perf_counter()
    finally:
        sink.close()
    return {
        "file": str(target) if target else None,
        "audio_s": round(audio_s, 3),
        "first_audio_ms": None if first_audio_ms is None else round(first_audio_ms, 1),
        "rtf": round(work_s / audio_s, 4) if audio_s else 0.0,
    }


def numbered(out: Path, number: int) -> Path:
    """``reply.wav`` → ``reply-3.wav``."""
    return out.with_name(f"{out.stem}-{number}{out.suffix or '.wav'}")
