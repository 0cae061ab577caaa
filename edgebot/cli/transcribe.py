"""``edgebot transcribe``: recordings in, words out."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import click

from edgebot.cli.context import assembly_of
from edgebot.cli.output import emit, json_option, lines
from edgebot.core.errors import AudioError, EngineError, UsageError
from edgebot.core.nlu import NluContext
from edgebot.core.speech import SpeechStream
from edgebot.runtime.hearing import open_stream
from edgebot.runtime.wiring import Assembly

_MOST_GRAMMAR_BYTES = 4_000_000


@click.command()
@click.argument("wav", nargs=-1, required=True)
@click.option(
    "--grammar",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Phrases to expect, one a line; anything else is still understood, but costs more.",
)
@click.option(
    "--intents",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Expect what these sentence templates say.",
)
@json_option
@click.pass_context
def transcribe(
    ctx: click.Context,
    wav: tuple[str, ...],
    grammar: Path | None,
    intents: Path | None,
    as_json: bool,
) -> None:
    """Write down what is said in each recording WAV (any WAV or FLAC).

    '-' reads file names from standard input, one a line. A file that cannot be read does not stop
    the others; the exit code is 1 then.
    """
    if grammar and intents:
        raise UsageError("give --grammar or --intents, not both")
    assembly = assembly_of(ctx, intents)
    phrases = phrases_in(grammar) if grammar else None
    stt = assembly.stt()

    def stream() -> SpeechStream:
        if intents:
            return open_stream(stt, assembly.understander(), NluContext())
        return stt.stream(phrases)

    failed = False
    for name in _names(wav):
        try:
            result = heard_in(assembly, stream, Path(name))
        except (AudioError, EngineError) as error:
            failed = True
            click.echo(f"edgebot: {error}", err=True)
            if as_json:
                emit({"file": name, "error": str(error)})
            continue
        if as_json:
            emit(result)
        else:
            click.echo(f"{name}: {result['text']}" if len(wav) > 1 else result["text"])
    if failed:
        ctx.exit(AudioError.exit_code)


def heard_in(
    assembly: Assembly, open_utterance: Callable[[], SpeechStream], path: Path
) -> dict[str, Any]:
    """What is said in the recording at ``path``; raises ``AudioError`` when it cannot be read."""
    source = assembly.audio_file(path)
    began = time.perf_counter()
    try:
        stream = open_utterance()
        for frame in source.frames():
            stream.accept(frame)
        transcript = stream.finish()
    finally:
        source.close()
    took_s = time.perf_counter() - began
    return {
        "file": str(path),
        "text": transcript.text,
        "engine": transcript.engine,
        "audio_s": round(transcript.audio_s, 3),
        "rtf": round(took_s / transcript.audio_s, 4) if transcript.audio_s else 0.0,
        "confidence": round(transcript.confidence, 3),
        "in_grammar": transcript.in_grammar,
    }


def phrases_in(file: Path) -> list[str]:
    """The phrases in a grammar file; empty lines and lines that begin with ``#`` do not count.

    Raises ``UsageError`` when it cannot be read or holds no phrase.
    """
    try:
        if file.stat().st_size > _MOST_GRAMMAR_BYTES:
            raise UsageError(f"{file}: too large for a list of phrases")
        text = file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = getattr(error, "strerror", None) or error
        raise UsageError(f"{file}: cannot be read ({reason}); one phrase a line") from None
    phrases = [line.strip() for line in text.splitlines()]
    phrases = [phrase for phrase in phrases if phrase and not phrase.startswith("#")]
    if not phrases:
        raise UsageError(f"{file}: holds no phrase; write one a line")
    return phrases


def _names(wav: tuple[str, ...]) -> Iterator[str]:
    for argument in wav:
        for name in lines(argument):
            if name.strip():
                yield name
