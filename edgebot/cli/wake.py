"""``edgebot wake``: which words wake the assistant, and how easily."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click
import numpy as np

from edgebot.cli.context import assembly_of, settings_of
from edgebot.cli.output import emit, json_option
from edgebot.cli.table import table
from edgebot.cli.voices import samples_of
from edgebot.config.settings import Settings
from edgebot.core.audio import RATE_HZ, Samples
from edgebot.core.errors import AudioError
from edgebot.core.listening import TunableWakeWord
from edgebot.runtime.wake_scores import Score, read_scores, scores_file
from edgebot.runtime.wake_tuning import ENOUGH, labelled, outcome, suggest

_LEAD, _TAIL = RATE_HZ // 2, RATE_HZ
"""Silence around a recording: the engines need some before a word and tell it a little later."""

_BLOCK = 512
_WIDE = 40
_STEPS = 10


@click.group()
def wake() -> None:
    """List, try and tune the wake words."""


@wake.command("list")
@json_option
@click.pass_context
def list_words(ctx: click.Context, as_json: bool) -> None:
    """List the wake words there are models for; `*` marks those of the settings."""
    assembly = assembly_of(ctx)
    wanted = assembly.settings.wake
    chosen = {word.casefold().strip() for word in wanted.words} if wanted.enabled else set()
    rows = []
    for engine in ("microwakeword", "openwakeword"):
        for word, model_id in assembly.wake_ids(engine).items():
            used = word in chosen and engine == wanted.engine
            state = assembly.store.state(model_id)
            if as_json:
                emit(
                    {
                        "word": word,
                        "engine": engine,
                        "model": model_id,
                        "used": used,
                        "state": state,
                    }
                )
            rows.append(["*" if used else "", word, engine, model_id, state])
    if not as_json:
        click.echo(table(["", "WORD", "ENGINE", "MODEL", "STATE"], rows))


@wake.command("test")
@click.argument("wav", nargs=-1, required=True, type=click.Path(path_type=Path))
@click.option("--word", multiple=True, help="Listen for this word; may be given several times.")
@click.option(
    "--engine", type=click.Choice(["microwakeword", "openwakeword"]), help="Which engine listens."
)
@click.option("--sensitivity", type=click.FloatRange(0, 1), help="Instead of wake.sensitivity.")
@json_option
@click.pass_context
def test(
    ctx: click.Context,
    wav: tuple[Path, ...],
    word: tuple[str, ...],
    engine: str | None,
    sensitivity: float | None,
    as_json: bool,
) -> None:
    """Tell which wake word is heard when in each recording WAV.

    A file that cannot be read does not stop the others; the exit code is 1 then.
    """
    assembly = assembly_of(ctx)
    changes = {"words": word, "engine": engine, "sensitivity": sensitivity}
    assembly.settings = _with(assembly.settings, changes)
    words = assembly.open_wake_words()
    assert words is not None  # they are switched on above
    ctx.call_on_close(words.close)
    failed = False
    for path in wav:
        try:
            result = {"file": str(path), **heard(words, samples_of(assembly, path))}
        except AudioError as error:
            failed = True
            click.echo(f"edgebot: {error}", err=True)
            result = {"file": str(path), "error": str(error)}
        if as_json:
            emit(result)
        elif "error" not in result:
            click.echo("\n".join(_described(result)))
    if failed:
        ctx.exit(AudioError.exit_code)


def _with(settings: Settings, changes: dict[str, Any]) -> Settings:
    given = {name: value for name, value in changes.items() if value not in (None, ())}
    section = settings.wake.model_copy(update={**given, "enabled": True})
    return settings.model_copy(update={"wake": section})


def heard(words: TunableWakeWord, samples: Samples) -> dict[str, Any]:
    """Which words were heard in ``samples``, and the best score of any."""
    words.reset()
    padded = np.concatenate([np.zeros(_LEAD, np.int16), samples, np.zeros(_TAIL, np.int16)])
    found: list[dict[str, Any]] = []
    best = 0.0
    for start in range(0, len(padded), _BLOCK):
        wake = words.accept(padded[start : start + _BLOCK], start)
        best = max(best, words.score())
        if wake is not None:
            at_s = min(len(samples), max(0, wake.end - _LEAD)) / RATE_HZ
            best = max(best, wake.score)
            found.append({"word": wake.word, "score": round(wake.score, 3), "at_s": round(at_s, 2)})
    return {"heard": found, "best_score": round(best, 3)}


def _described(result: dict[str, Any]) -> list[str]:
    if not result["heard"]:
        return [f"{result['file']}: no wake word (best score {result['best_score']:.3f})"]
    return [
        f'{result["file"]}: "{one["word"]}" at {one["at_s"]:.2f} s (score {one["score"]:.3f})'
        for one in result["heard"]
    ]


@wake.command()
@json_option
@click.pass_context
def tune(ctx: click.Context, as_json: bool) -> None:
    """Suggest a sensitivity from the scores of past wakings.

    The daemon notes how sure it was of each waking and of near misses, and whether somebody spoke
    afterwards; no audio.
    """
    settings = settings_of(ctx)
    now = settings.wake.sensitivity
    scores = labelled(read_scores(scores_file(settings.state_dir)))
    known = outcome(scores, now)
    better = suggest(scores, now)
    meant = sum(one for _, one in scores)
    if as_json:
        emit(
            {
                "meant": meant,
                "not_meant": len(scores) - meant,
                "sensitivity": now,
                "missed": known.missed,
                "false": known.false,
                "suggested": better and better.sensitivity,
                "missed_then": better and better.missed,
                "false_then": better and better.false,
            }
        )
        return
    if scores:
        click.echo("\n".join(picture(scores, now)) + "\n")
    click.echo(f"now, at {now:.2f}: {_counts(known.missed, known.false)}")
    if better is None:
        more = f"{meant} of {ENOUGH} wakings that were followed by speech"
        click.echo(f"too little is known for a suggestion ({more}); use it for a while")
    elif better.sensitivity == now:
        click.echo("nothing would be better")
    else:
        then = _counts(better.missed, better.false)
        click.echo(f"at {better.sensitivity:.2f} it would be: {then}")
        click.echo(f"to try it, write `wake: {{sensitivity: {better.sensitivity:.2f}}}`")


def _counts(missed: int, false: int) -> str:
    return f"{missed} attempts not heard, {false} wakings that nobody meant"


def picture(scores: Sequence[tuple[Score, bool]], now: float) -> list[str]:
    """How many scores would have needed which sensitivity, one line for each tenth."""
    bins = [[0, 0] for _ in range(_STEPS)]
    for score, meant in scores:
        bins[min(_STEPS - 1, int(score.needs * _STEPS))][not meant] += 1
    scale = max(1.0, max(sum(one) for one in bins) / _WIDE)
    rows = []
    for step, (wanted, other) in enumerate(bins):
        bar = "#" * -int(-wanted // scale) + "." * -int(-other // scale)
        mark = "<- now" if step == min(_STEPS - 1, int(now * _STEPS)) else ""
        rows.append([f"{step / _STEPS:.1f}", wanted, other, f"{bar} {mark}".strip()])
    return table(["NEEDS", "MEANT #", "OTHER .", ""], rows, right=[1, 2]).splitlines()
