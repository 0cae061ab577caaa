"""``edgebot models``: what the catalogue knows, and what of it is on this machine."""

from __future__ import annotations

from typing import Any

import click

from edgebot.cli.context import assembly_of
from edgebot.cli.output import emit, json_option
from edgebot.cli.progress import human, progress
from edgebot.cli.table import table
from edgebot.config import paths
from edgebot.core.errors import ConfigError, ModelError, UsageError
from edgebot.models.blobs import BlobCache
from edgebot.models.entry import Entry
from edgebot.models.fetch import Fetcher
from edgebot.models.store import ModelStore
from edgebot.runtime.checks import builds


@click.group()
def models() -> None:
    """List, fetch and verify model files."""


@models.command("list")
@json_option
@click.pass_context
def list_(ctx: click.Context, as_json: bool) -> None:
    """Show every model of the catalogue and whether it is here."""
    assembly = assembly_of(ctx)
    store = assembly.store
    facts = [_facts(store, entry) for entry in store.catalog]
    if as_json:
        for fact in facts:
            emit(fact)
        return
    columns = ("id", "stage", "engine", "size", "licence", "state")
    rows = [[human(f[c]) if c == "size" else f[c] for c in columns] for f in facts]
    click.echo(table([column.upper() for column in columns], rows, right=(3,)))
    for check in builds(assembly):
        click.echo(f"{check.name}: {check.message}; {check.next_step}", err=True)


@models.command("pull")
@click.argument("ids", nargs=-1)
@click.option("--all", "every", is_flag=True, help="Every model of the catalogue.")
@json_option
@click.pass_context
def pull(ctx: click.Context, ids: tuple[str, ...], every: bool, as_json: bool) -> None:
    """Fetch models: those named, or all that this machine needs with these settings."""
    assembly = assembly_of(ctx)
    store = assembly.store
    ids = tuple(_known(store, model_id) for model_id in ids)
    if every:
        ids = tuple(entry.id for entry in store.catalog)
    with progress() as shown:
        fetcher = Fetcher(store, _cache(), shown)
        for installed in fetcher.pull(ids or assembly.needed_models()):
            if as_json:
                emit(_facts(store, installed.entry))
            else:
                click.echo(f"{installed.id}: ready in {installed.dir}")


@models.command("verify")
@click.argument("ids", nargs=-1)
@json_option
@click.pass_context
def verify(ctx: click.Context, ids: tuple[str, ...], as_json: bool) -> None:
    """Hash files again, of the models named or of all that are here; exit 3 when one is wrong."""
    store = assembly_of(ctx).store
    entries = [store.catalog[_known(store, model_id)] for model_id in ids] or [
        entry for entry in store.catalog if store.directory(entry.id).exists()
    ]
    wrong = []
    for entry in entries:
        findings = store.verify(entry.id, again=True)
        if findings:
            wrong.append(entry.id)
        problems = [
            {"file": str(f.path), "problem": f.kind, "expected": f.expected, "found": f.found}
            for f in findings
        ]
        if as_json:
            emit({**_facts(store, entry), "problems": problems})
            continue
        click.echo(f"{entry.id}: {'wrong' if findings else 'ok'}")
        for f in findings:
            click.echo(f"  {f.path} is {f.kind}\n    expected {f.expected}\n    found    {f.found}")
    if wrong:
        raise ModelError(f"wrong: {', '.join(wrong)}; run `edgebot models pull {' '.join(wrong)}`")


@models.command("path")
@click.argument("model_id", metavar="ID")
@json_option
@click.pass_context
def path(ctx: click.Context, model_id: str, as_json: bool) -> None:
    """Print the directory of a model, verified."""
    store = assembly_of(ctx).store
    installed = store.open(_known(store, model_id))
    if as_json:
        files = {role: str(file) for role, file in installed.files.items()}
        emit({"id": installed.id, "path": str(installed.dir), "files": files})
    else:
        click.echo(installed.dir)


def _known(store: ModelStore, model_id: str) -> str:
    """``model_id``, or a wrong call when the catalogue does not have it."""
    try:
        return store.catalog[model_id].id
    except ConfigError as error:
        raise UsageError(str(error)) from None


def _cache() -> BlobCache:
    return BlobCache(paths.cache_dir() / "blobs")


def _facts(store: ModelStore, entry: Entry) -> dict[str, Any]:
    state: str = store.state(entry.id)
    largest = max(entry.files, key=lambda file: file.size)
    if state == "missing" and _cache().holds_some(largest):
        state = "partial"
    return {
        "id": entry.id,
        "stage": entry.stage,
        "engine": entry.engine,
        "size": entry.size,
        "sha256": {file.path: file.sha256 for file in entry.files},
        "licence": entry.licence,
        "sources": [source.label for source in entry.sources],
        "state": state,
        "language": entry.language,
        "memory_mb": entry.memory_mb,
        "description": entry.description,
    }
