"""``edgebot parse``: what a text is understood as."""

from __future__ import annotations

from pathlib import Path

import click

from edgebot.cli.context import assembly_of
from edgebot.cli.output import emit, json_option, lines
from edgebot.core.errors import UsageError
from edgebot.core.nlu import NluContext, Parse, Understander


@click.command()
@click.argument("text")
@click.option(
    "--intents",
    "intents_file",
    type=click.Path(exists=True, path_type=Path),
    help="Your own sentences (a YAML file or a folder of them) instead of the assistant's.",
)
@click.option("--state", default="", help="The open question the text may answer.")
@json_option
@click.pass_context
def parse(
    ctx: click.Context, text: str, intents_file: Path | None, state: str, as_json: bool
) -> None:
    """Show the intent and the slots of TEXT; '-' reads one text a line from standard input.

    A text with several commands gives one result that names the first as `intent` and all of them
    in `commands`.
    """
    if text != "-" and not text.strip():
        raise UsageError('there is nothing to understand; try: edgebot parse "what time is it"')
    understander = assembly_of(ctx).understander(intents_file)
    for line in lines(text):
        found = understand(understander, line, NluContext(state=state))
        if as_json:
            emit(described(line, found))
        else:
            click.echo("\n".join(_words(parse) for parse in found))


def understand(understander: Understander, text: str, context: NluContext) -> list[Parse]:
    """The commands in ``text``: by template, else by the classifier; at least one parse."""
    found = list(understander.match(text, context))
    return found or [understander.classify(text, context)]


def described(text: str, found: list[Parse]) -> dict[str, object]:
    """The fields of ``--json``."""
    first = found[0]
    result: dict[str, object] = {
        "text": text,
        "intent": first.intent,
        "slots": dict(first.slots),
        "score": round(first.score, 4),
        "matcher": first.matcher,
        "template": first.template,
        "alternatives": [list(pair) for pair in first.alternatives[:5]],
    }
    if len(found) > 1:
        result["commands"] = [
            {"intent": each.intent, "slots": dict(each.slots), "score": round(each.score, 4)}
            for each in found
        ]
    return result


def _words(parse: Parse) -> str:
    if parse.intent is None:
        return "not understood"
    slots = ", ".join(f"{name}: {value}" for name, value in parse.slots.items())
    by = parse.template or parse.matcher
    return f"{parse.intent}{f' ({slots})' if slots else ''}  {parse.score:.2f}  {by}"
