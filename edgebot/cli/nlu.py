"""``edgebot nlu``: train and evaluate an intent classifier on your own examples."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import click
from tqdm import tqdm

from edgebot.cli.context import assembly_of
from edgebot.cli.output import emit, json_option
from edgebot.core.nlu import NluContext
from edgebot.nlu.classifier.data_file import LabelledTexts, read_labelled
from edgebot.nlu.classifier.evaluating import Evaluation, evaluate
from edgebot.nlu.classifier.linear import Progress
from edgebot.nlu.classifier.model import IntentModel
from edgebot.nlu.classifier.picture import write_pictures
from edgebot.nlu.classifier.training import train as train_model

_SHOWN_MISTAKES = 20


@click.group()
def nlu() -> None:
    """Train and evaluate an intent classifier on your own examples."""


_data_option = click.option(
    "--data",
    "data_file",
    required=True,
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="Tab-separated with the header 'text<TAB>intent', or JSON lines with these keys; "
    "the intent 'oos' marks what is out of scope.",
)


@nlu.command()
@_data_option
@click.option(
    "--out",
    "directory",
    required=True,
    type=click.Path(file_okay=False, path_type=Path),
    help="Where the model goes.",
)
@click.option("--seed", default=0, show_default=True, help="The same seed, the same classifier.")
@json_option
@click.pass_context
def train(ctx: click.Context, data_file: Path, directory: Path, seed: int, as_json: bool) -> None:
    """Train a classifier: two minutes at most for 20,000 examples on two cores."""
    data = _read(data_file)
    bars: list[tqdm[Any]] = []

    def announce(what: str, texts: int) -> Progress:
        _finish(bars)
        bars.append(tqdm(total=texts, desc=what, unit="text", leave=True))
        return lambda done: _advance(bars[-1], done)

    embedder = assembly_of(ctx).embedder()
    model = train_model(data.texts, data.intents, embedder, announce, seed)
    _finish(bars)
    model.save(directory)
    result = {"model": str(directory), **model.about, "threshold": round(model.threshold, 4)}
    if as_json:
        emit({**result, "skipped_rows": len(data.mistakes)})
        return
    click.echo(
        f"{directory}: {len(model.intents)} intents from {model.about['examples']} examples, "
        f"about {model.about['held_out_in_scope_accuracy'] or 0:.1%} right on examples held out"
    )


@nlu.command()
@click.option("--language", help="Language; that of the settings when absent.")
@click.pass_context
def prepare(ctx: click.Context, language: str | None) -> None:
    """Make the assistant's own classifier and speech grammar ready, where they are not yet.

    Both are kept in the cache until the sentences change; otherwise the first turn that needs them
    waits for them.
    """
    understander = assembly_of(ctx, language=language).understander()
    click.echo("speech grammar", err=True)
    understander.grammar(NluContext())
    click.echo("intent classifier", err=True)
    understander.classify("is everything ready", NluContext())


@nlu.command("eval")
@click.option(
    "--model",
    "directory",
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="What `edgebot nlu train` wrote.",
)
@_data_option
@click.option(
    "--picture",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write the confusion as a picture (.svg and, beside it, .png).",
)
@json_option
@click.pass_context
def evaluate_(
    ctx: click.Context, directory: Path, data_file: Path, picture: Path | None, as_json: bool
) -> None:
    """Tell how often the classifier is right on examples it has not seen."""
    model = IntentModel.load(directory)
    data = _read(data_file)
    embedder = assembly_of(ctx).embedder()
    with tqdm(total=len(data.texts), desc="judging", unit="text") as bar:
        found = evaluate(model, data.texts, data.intents, embedder, lambda n: _advance(bar, n))
    if picture is not None:
        for path in write_pictures(found.confusion, f"{data_file.name}", picture):
            click.echo(f"wrote {path}", err=True)
    if as_json:
        emit({**found.described(), "skipped_rows": len(data.mistakes)})
    else:
        _tell(found)


def _read(path: Path) -> LabelledTexts:
    data = read_labelled(path)
    for mistake in data.mistakes[:_SHOWN_MISTAKES]:
        click.echo(f"left out: {mistake}", err=True)
    if len(data.mistakes) > _SHOWN_MISTAKES:
        click.echo(f"left out: {len(data.mistakes) - _SHOWN_MISTAKES} more rows", err=True)
    return data


def _tell(found: Evaluation) -> None:
    figures = found.described()
    del figures["confusion"]
    for name, value in figures.items():
        shown = "-" if value is None else f"{value:g}"
        click.echo(f"{name:18} {shown}")


def _advance(bar: tqdm[Any], done: int) -> None:
    bar.update(done)


def _finish(bars: list[tqdm[Any]]) -> None:
    for bar in bars:
        bar.close()
