"""``edgebot kb import``, ``remove`` and ``vacuum``: what changes the knowledge base."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import click

from edgebot.cli.context import assembly_of, settings_of
from edgebot.cli.output import emit, json_option
from edgebot.cli.progress import progress
from edgebot.config.paths import share_dir
from edgebot.core.errors import UsageError
from edgebot.knowledge.document import ImportReport
from edgebot.knowledge.forget import find_documents, forget
from edgebot.knowledge.walk import Found
from edgebot.runtime import documents


@click.command("import")
@click.argument("paths", nargs=-1, type=click.Path(path_type=Path))
@click.option("--shipped", is_flag=True, help="The documents that come with edgebot.")
@json_option
@click.pass_context
def import_(ctx: click.Context, paths: tuple[Path, ...], shipped: bool, as_json: bool) -> None:
    """Bring documents (files and folders) into the knowledge base.

    Markdown, text, HTML, CSV, question-answer YAML and PDF. What has not changed since the last
    time is skipped; what has vanished from a folder is removed. Exits with 1 when a file failed.
    """
    if not paths and not shipped:
        raise UsageError("name files or folders, for example: edgebot kb import ~/documents")
    with contextlib.suppress(OSError):
        os.nice(5)  # a running assistant goes first
    assembly = assembly_of(ctx)
    report = ImportReport()
    if shipped:
        settings = settings_of(ctx)
        kept = documents.keep_shipped(assembly.knowledge_store(), assembly.embedder(), settings)
        report = kept or report
    if paths:
        report = _run(ctx, paths)
    if as_json:
        emit(_fields(report))
    else:
        click.echo(_words(report))
    if report.failed:
        ctx.exit(1)


def _run(ctx: click.Context, paths: tuple[Path, ...]) -> ImportReport:
    importer = assembly_of(ctx).importer()
    done = 0
    with progress() as shown:

        def found(files: Found) -> None:
            shown.begin("importing", files.total_bytes)
            for source, reason in files.failed.items():
                shown.say(f"{source}: {reason}")
            for root in files.roots:
                if not any(source.startswith(root) for source in files.files):
                    shown.say(f"{root}: there are no documents in it")

        def advance(size: int, source: str) -> None:
            nonlocal done
            done += size
            shown.advance(done)

        def waiting() -> None:
            shown.say("another import is running; waiting until it has finished")

        def failed(source: str, reason: str) -> None:
            shown.say(f"{source}: {reason}")

        return importer.run(paths, advance, waiting, found, failed)


@click.command()
@click.argument("documents_", metavar="DOCUMENT…", nargs=-1, required=True)
@json_option
@click.pass_context
def remove(ctx: click.Context, documents_: tuple[str, ...], as_json: bool) -> None:
    """Remove documents, named by their number, file or folder; nothing of them stays in the file.

    Documents that come with edgebot stay away too, until they are imported by name.
    """
    store = assembly_of(ctx).knowledge_store()
    chosen = find_documents(store, documents_)
    forget(store, chosen, share_dir("knowledge"))
    for one in chosen:
        if as_json:
            emit({"removed": one["source"], "id": one["id"], "passages": one["passages"]})
        else:
            click.echo(f"removed {one['source']} ({one['passages']} passages)")


@click.command()
@click.pass_context
def vacuum(ctx: click.Context) -> None:
    """Make the file as small as it can be, and overwrite what was deleted from it."""
    store = assembly_of(ctx).knowledge_store()
    before = store.path.stat().st_size
    store.purge()
    click.echo(f"{store.path}: {before} bytes before, {store.path.stat().st_size} after")


def _fields(report: ImportReport) -> dict[str, object]:
    return {
        "added": report.added,
        "changed": report.changed,
        "unchanged": report.unchanged,
        "removed": report.removed,
        "skipped": report.skipped,
        "passages": report.passages,
        "failed": report.failed,
    }


def _words(report: ImportReport) -> str:
    parts = [
        f"{count} {name}"
        for name in ("added", "changed", "unchanged", "removed")
        if (count := getattr(report, name))
    ]
    if report.failed:
        parts.append(f"{len(report.failed)} failed")
    if report.skipped:
        parts.append(f"{report.skipped} of other kinds skipped")
    return f"documents: {', '.join(parts) or 'none'}; new passages: {report.passages}"


COMMANDS = (import_, remove, vacuum)
