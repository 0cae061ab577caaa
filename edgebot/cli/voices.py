"""``edgebot voices``: who is known by their voice."""

from __future__ import annotations

from pathlib import Path

import click
import numpy as np

from edgebot.cli.context import assembly_of, settings_of
from edgebot.cli.output import emit, json_option
from edgebot.cli.table import table
from edgebot.core.audio import Samples
from edgebot.runtime.wiring import Assembly

_RECORDINGS = click.argument("wav", nargs=-1, required=True, type=click.Path(path_type=Path))


@click.group()
def voices() -> None:
    """Tell people apart by their voices: enrol, list, remove, identify.

    Kept are vectors that tell voices apart, on this machine; no audio and no words.
    """


@voices.command()
@click.argument("name")
@_RECORDINGS
@json_option
@click.pass_context
def enroll(ctx: click.Context, name: str, wav: tuple[Path, ...], as_json: bool) -> None:
    """Remember the voice in the recordings WAV as that of NAME.

    Three sentences of some seconds each, recorded with the microphone that will hear them, are
    enough; doing it again adds to what is known.
    """
    assembly = assembly_of(ctx)
    known = assembly.all_voices()
    speech_s = known.enroll(name, [samples_of(assembly, path) for path in wav])
    if as_json:
        emit({"name": name, "recordings": len(wav), "speech_s": round(speech_s, 1)})
        return
    click.echo(f"{name}: {speech_s:.1f} s of speech in {len(wav)} recordings")
    if not assembly.settings.voices.enabled:
        click.echo("set `voices: {enabled: true}` in edgebot.yaml to have voices told apart")


@voices.command("list")
@json_option
@click.pass_context
def list_voices(ctx: click.Context, as_json: bool) -> None:
    """List the enrolled voices."""
    store = assembly_of(ctx).voice_store()
    if as_json:
        for name in store.names:
            emit({"name": name, "recordings": len(store.voices[name])})
    elif store.names:
        rows = [[name, len(store.voices[name])] for name in store.names]
        click.echo(table(["VOICE", "RECORDINGS"], rows, right=[1]))
    else:
        click.echo("no voice is known; `edgebot voices enroll NAME FILE.wav` makes one known")


@voices.command()
@click.argument("name")
@click.pass_context
def remove(ctx: click.Context, name: str) -> None:
    """Forget the voice of NAME."""
    assembly_of(ctx).voice_store().remove(name)
    click.echo(f"{name} is forgotten")
    from edgebot.runtime.privacy import owned_by

    if count := owned_by(settings_of(ctx), name):
        things = "list or memory is" if count == 1 else "lists and memories are"
        click.echo(
            f"{count} {things} {name}'s own and kept; `edgebot privacy wipe --person {name}` "
            "removes them"
        )


@voices.command()
@_RECORDINGS
@json_option
@click.pass_context
def identify(ctx: click.Context, wav: tuple[Path, ...], as_json: bool) -> None:
    """Tell whose voice is in each recording WAV."""
    assembly = assembly_of(ctx)
    known = assembly.all_voices()
    for path in wav:
        guess = known.guess(samples_of(assembly, path))
        scores = {name: round(score, 3) for name, score in guess.scores.items()}
        if as_json:
            speech_s = round(guess.speech_s, 2)
            emit({"file": str(path), "name": guess.name, "speech_s": speech_s, "scores": scores})
        else:
            nearest = ", ".join(f"{name} {score:.2f}" for name, score in list(scores.items())[:3])
            click.echo(
                f"{path}: {guess.name or 'nobody known'} ({nearest or 'nothing to compare'})"
            )


def samples_of(assembly: Assembly, path: Path) -> Samples:
    """The recording at ``path`` at 16 kHz; raises ``AudioError`` when it cannot be read."""
    source = assembly.audio_file(path)
    try:
        pieces = [frame.samples for frame in source.frames()]
    finally:
        source.close()
    return np.concatenate([np.zeros(0, np.int16), *pieces])
