"""``edgebot kb list``, ``show``, ``stats`` and ``export``: what is in the knowledge base."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import click

from edgebot.cli.context import assembly_of
from edgebot.cli.output import emit, json_option
from edgebot.cli.progress import human
from edgebot.cli.table import table
from edgebot.core.errors import EdgebotError
from edgebot.knowledge.contents import export_passages, passages_of, statistics
from edgebot.knowledge.forget import find_documents


@click.command("list")
@json_option
@click.pass_context
def list_(ctx: click.Context, as_json: bool) -> None:
    """List the documents."""
    found = assembly_of(ctx).knowledge_store().documents()
    if as_json:
        for one in found:
            emit(one)
        return
    rows = [(one["id"], one["title"], one["passages"], one["source"]) for one in found]
    click.echo(table(("id", "title", "passages", "source"), rows, right={0, 2}))


@click.command()
@click.argument("document")
@json_option
@click.pass_context
def show(ctx: click.Context, document: str, as_json: bool) -> None:
    """Show the passages of a document, named by its number or file."""
    store = assembly_of(ctx).knowledge_store()
    for one in find_documents(store, [document]):
        if not as_json:
            click.echo(f"# {one['title']}  ({one['source']})")
        for passage in passages_of(store, one["id"]):
            if as_json:
                emit(passage)
            else:
                click.echo("\n" + _words(passage))


@click.command()
@json_option
@click.pass_context
def stats(ctx: click.Context, as_json: bool) -> None:
    """Count documents, passages and bytes."""
    counted = statistics(assembly_of(ctx).knowledge_store())
    if as_json:
        emit(counted)
        return
    for name, value in counted.items():
        shown = human(value) if name == "bytes" else value
        click.echo(f"{name:<12} {json.dumps(shown) if isinstance(shown, dict) else shown}")


@click.command()
@click.option("-o", "--output", type=click.Path(dir_okay=False, path_type=Path), help="A file.")
@click.pass_context
def export(ctx: click.Context, output: Path | None) -> None:
    """Write all passages as JSON, one a line, to standard output or a file."""
    passages = export_passages(assembly_of(ctx).knowledge_store())
    if output is None:
        for one in passages:
            emit(one)
        return
    try:
        with output.open("w", encoding="utf-8") as file:
            file.writelines(json.dumps(one, ensure_ascii=False) + "\n" for one in passages)
    except OSError as error:
        raise EdgebotError(f"{output} cannot be written ({error.strerror})") from error


def _words(passage: dict[str, Any]) -> str:
    above = [part for part in (passage["heading"], passage["question"]) if part]
    return "\n".join([*above, passage["text"]])


COMMANDS = (list_, show, stats, export)
