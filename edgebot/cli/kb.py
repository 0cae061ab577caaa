"""``edgebot kb``: what the assistant knows from documents."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import click

from edgebot.cli import kb_contents, kb_import
from edgebot.cli.context import assembly_of
from edgebot.cli.output import emit, json_option, lines
from edgebot.core.cancel import Cancellation
from edgebot.core.errors import UsageError
from edgebot.core.knowledge import KnowledgeAnswer, KnowledgeBase, Passage, PassageReader
from edgebot.knowledge.generate import generated


@click.group()
def kb() -> None:
    """Import, search and ask documents."""


@kb.command()
@click.argument("query")
@click.option(
    "--top", default=5, show_default=True, type=click.IntRange(1, 100), help="Results a query."
)
@json_option
@click.pass_context
def search(ctx: click.Context, query: str, top: int, as_json: bool) -> None:
    """Find the passages that fit QUERY best; '-' reads one query a line from standard input."""
    _check(query)
    knowledge = assembly_of(ctx).knowledge()
    for line in lines(query):
        found = knowledge.search(line, top)
        if as_json:
            emit({"query": line, "results": [passage_fields(one) for one in found]})
        else:
            click.echo("\n".join(_described(found)) or "nothing found")


@kb.command()
@click.argument("query")
@click.option("--extract", is_flag=True, help="Quote only; do not load the language model.")
@json_option
@click.pass_context
def answer(ctx: click.Context, query: str, extract: bool, as_json: bool) -> None:
    """Answer QUERY from the documents; '-' reads one question a line from standard input.

    The answer is worded by the language model where the device profile has one that can read, and
    is quoted otherwise.
    """
    _check(query)
    assembly = assembly_of(ctx)
    knowledge = assembly.knowledge()
    reader = None if extract else assembly.passage_reader()
    for line in lines(query):
        given = answered(line, knowledge, reader, assembly.settings.knowledge.passages)
        if as_json:
            emit(answer_fields(line, given))
        else:
            source = f"\n  ({', '.join(given.sources)})" if given.sources else ""
            click.echo((given.text or "I don't know.") + source)


def answered(
    query: str, knowledge: KnowledgeBase, reader: PassageReader | None, passages: int
) -> KnowledgeAnswer:
    """The answer to ``query``, worded by ``reader`` where there is one and it keeps to the text."""
    quoted = knowledge.answer(query)
    if reader is None or quoted.kind == "none":
        return quoted
    return generated(query, quoted, reader, passages, Cancellation())


def passage_fields(passage: Passage) -> dict[str, Any]:
    """A passage as ``--json`` shows it."""
    fields = {
        "id": passage.id,
        "title": passage.title,
        "source": passage.source,
        "text": passage.text,
        "score": passage.score,
        "bm25": passage.bm25,
        "cosine": passage.cosine,
    }
    if passage.heading:
        fields["heading"] = passage.heading
    if passage.question:
        fields["question"] = passage.question.split("\n")[0]
    return fields


def answer_fields(query: str, given: KnowledgeAnswer) -> dict[str, Any]:
    """An answer as ``--json`` shows it.

    ``answer`` is the few words that probably answer, where there are any, else what would be said;
    ``spoken`` is always the latter.
    """
    return {
        "query": query,
        "answer": given.short or given.text,
        "spoken": given.text,
        "short": given.short,
        "score": given.score,
        "sources": list(given.sources),
        "kind": given.kind,
    }


def _check(query: str) -> None:
    if query != "-" and not query.strip():
        raise UsageError('the query is empty; try: edgebot kb search "how do I set a timer"')


def _described(found: Any) -> Iterator[str]:
    for number, passage in enumerate(found, start=1):
        place = " › ".join(part for part in (passage.title, passage.heading) if part)
        yield f"{number}. {place}  ({passage.score:.0%})  {passage.source}"
        if passage.question:
            yield f"   {passage.question.splitlines()[0]}?"
        yield "   " + " ".join(passage.text.split())


for command in (*kb_import.COMMANDS, *kb_contents.COMMANDS):
    kb.add_command(command)
