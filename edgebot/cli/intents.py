"""``edgebot intents``: what can be said, and whether the sentence files are sound."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import datetime
from pathlib import Path
from typing import Any

import click
from tqdm import tqdm

from edgebot.cli.context import settings_of
from edgebot.cli.output import emit, json_option
from edgebot.core.errors import UsageError
from edgebot.nlu.checking import Checker
from edgebot.nlu.mistakes import Mistake, WrongSentences, near
from edgebot.nlu.sampler import NoExample, Sampler
from edgebot.nlu.sentence_files import load_intents, own_sentences
from edgebot.nlu.spoken_help import spoken_help
from edgebot.nlu.templates import SentenceSet, Template


@click.group()
def intents() -> None:
    """List, check and sample what can be said."""


def _source_options(command: Callable[..., Any]) -> Callable[..., Any]:
    command = click.option(
        "--intents",
        "intents_file",
        type=click.Path(exists=True, path_type=Path),
        help="Your own sentences (a YAML file or a folder of them) instead of the assistant's.",
    )(command)
    return click.option("--language", help="Language; that of the settings when absent.")(command)


def _sentences(ctx: click.Context, intents_file: Path | None, language: str | None) -> SentenceSet:
    if intents_file is not None:
        return load_intents(intents_file)
    return own_sentences(language or settings_of(ctx).language)


@intents.command("list")
@_source_options
@json_option
@click.pass_context
def list_intents(
    ctx: click.Context, intents_file: Path | None, language: str | None, as_json: bool
) -> None:
    """Every intent with its slots, states and number of templates."""
    sentences = _sentences(ctx, intents_file, language)
    for name in sentences.intents:
        templates = [each for each in sentences.templates if each.intent == name]
        slots = sorted({slot for each in templates for slot in each.slots})
        states = sorted({state for each in templates for state in each.states})
        if as_json:
            emit({"intent": name, "templates": len(templates), "slots": slots, "states": states})
        else:
            more = f"  slots: {', '.join(slots)}" if slots else ""
            more += f"  states: {', '.join(states)}" if states else ""
            click.echo(f"{name:28} {len(templates):4} templates{more}")


@intents.command()
@_source_options
@json_option
@click.pass_context
def check(
    ctx: click.Context, intents_file: Path | None, language: str | None, as_json: bool
) -> None:
    """Report mistakes, and templates that are ambiguous or unreachable, with file and line.

    Exits 1 when something has to be mended; warnings alone exit 0.
    """
    try:
        sentences = _sentences(ctx, intents_file, language)
    except WrongSentences as wrong:
        for mistake in wrong.mistakes:
            _show(mistake, as_json)
        ctx.exit(1)
    checker = Checker(sentences, datetime.now().astimezone())
    found = 0
    for template in tqdm(
        sentences.templates, desc="checking", unit="template", leave=False, disable=None
    ):
        for mistake in checker.check(template):
            found += 1
            _show(mistake, as_json)
    if not as_json:
        click.echo(
            f"{len(sentences.templates)} templates of {len(sentences.intents)} intents: "
            f"{found or 'no'} warning{'s' if found != 1 else ''}"
        )


def _show(mistake: Mistake, as_json: bool) -> None:
    file, _, line = mistake.where.rpartition(":")
    if as_json:
        emit(
            {
                "file": file or mistake.where,
                "line": int(line) if line.isdigit() else None,
                "severity": mistake.severity,
                "message": mistake.message,
            }
        )
    else:
        click.echo(f"{mistake.severity}: {mistake}")


@intents.command()
@_source_options
@click.option("--intent", help="Only this intent.")
@click.option("--state", default="", help="Only what answers this open question.")
@click.option(
    "-n",
    "count",
    type=click.IntRange(1, 100_000),
    default=20,
    show_default=True,
    help="How many sentences.",
)
@click.option("--seed", default=0, show_default=True, help="The same seed, the same sentences.")
@json_option
@click.pass_context
def samples(
    ctx: click.Context,
    intents_file: Path | None,
    language: str | None,
    intent: str | None,
    state: str,
    count: int,
    seed: int,
    as_json: bool,
) -> None:
    """Print test sentences made from the templates."""
    sentences = _sentences(ctx, intents_file, language)
    chosen = _chosen(sentences, intent, state)
    sampler, order = Sampler(sentences, seed), random.Random(seed)
    seen: set[tuple[str, str]] = set()
    for _ in range(count * 20):
        if len(seen) == count:
            break
        template = order.choice(chosen)
        try:
            text = sampler.sample(template)
        except NoExample:
            continue
        if not text or (text, template.intent) in seen:
            continue
        seen.add((text, template.intent))
        if as_json:
            emit(
                {"text": text, "intent": template.intent, "state": state, "template": template.text}
            )
        else:
            click.echo(text)


def _chosen(sentences: SentenceSet, intent: str | None, state: str) -> list[Template]:
    if state and state not in sentences.states:
        raise UsageError(f"there is no state '{state}'{near(state, sentences.states)}")
    if intent and intent not in sentences.intents:
        raise UsageError(f"there is no intent '{intent}'{near(intent, sentences.intents)}")
    templates = [
        each
        for each in sentences.in_state(state)
        if (not intent or each.intent == intent) and (not state or state in each.states)
    ]
    if not templates:
        raise UsageError(f"'{intent}' is only said in: {', '.join(_states(sentences, intent))}")
    return templates


def _states(sentences: SentenceSet, intent: str | None) -> list[str]:
    return sorted({s for t in sentences.templates if t.intent == intent for s in t.states})


@intents.command("help")
@_source_options
@click.option("--intent", help="Only this intent.")
@json_option
@click.pass_context
def help_(
    ctx: click.Context,
    intents_file: Path | None,
    language: str | None,
    intent: str | None,
    as_json: bool,
) -> None:
    """Print the spoken help: what can be said, in examples."""
    sentences = _sentences(ctx, intents_file, language)
    if intent and intent not in sentences.intents:
        raise UsageError(f"there is no intent '{intent}'{near(intent, sentences.intents)}")
    for name, said in spoken_help(sentences).items():
        if intent and name != intent:
            continue
        if as_json:
            emit({"intent": name, "sentences": list(said)})
        else:
            click.echo(f"{name:28} {'; '.join(said)}")
