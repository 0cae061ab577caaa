"""``edgebot build onnx``: one GGUF model for the onnx engine, without a recipe."""

from __future__ import annotations

from pathlib import Path

import click

from edgebot.cli.context import assembly_of
from edgebot.cli.output import emit, json_option
from edgebot.cli.progress import human, progress
from edgebot.core.errors import ConfigError, UsageError
from edgebot.models.entry import Entry
from edgebot.models.store import ModelStore


@click.command("onnx")
@click.argument("source", metavar="MODEL_ID|FILE.gguf")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    required=True,
    help="Directory to be made; an older export there is replaced.",
)
@click.option(
    "--bits",
    type=click.Choice(["4", "8", "32"]),
    default="4",
    show_default=True,
    help="Bits a weight (4: of the large ones, the others have 8; 32: for comparing).",
)
@click.option("--id", "model_id", help="Catalogue id of the export; from its source when absent.")
@click.option(
    "--install/--no-install",
    default=True,
    show_default=True,
    help="Put it into the store and the catalogue of this machine.",
)
@json_option
@click.pass_context
def onnx(
    ctx: click.Context,
    source: str,
    out: Path,
    bits: str,
    model_id: str | None,
    install: bool,
    as_json: bool,
) -> None:
    """Make a language model for the onnx engine from a GGUF file or a model of the catalogue."""
    try:
        from edgebot.build import catalog_entry
        from edgebot.build.onnx_export import export
    except ImportError as missing:
        raise UsageError(
            f"exporting needs the package {missing.name}: pip install 'edgebot[build]'"
        ) from None
    assembly = assembly_of(ctx)
    file, entry = _find(source, assembly.store)
    known = next((f.sha256 for f in entry.files if f.role == "model"), "") if entry else ""
    wanted = model_id or catalog_entry.export_id(entry.id if entry else file.stem, int(bits))
    with progress() as shown:
        exported = export(
            file, out, int(bits), source_sha256=known, begin=shown.begin, advance=shown.advance
        )
    made = catalog_entry.make_entry(wanted, exported, entry)
    (out / catalog_entry.FILE).write_text(catalog_entry.entry_text(made), encoding="utf-8")
    if install:
        catalog_entry.install(made, out, assembly.settings.models_dir, assembly.catalog)
    if as_json:
        emit({"id": made.id, "path": str(out), "bytes": made.size, "installed": install})
        return
    click.echo(f"{made.id}: {human(made.size)} in {out}")
    if install:
        click.echo(f"Use it: put `llm: {{model: {made.id}}}` into edgebot.yaml")
    else:
        click.echo(
            f"On the board: copy {out}, put its {catalog_entry.FILE} into catalog.d of the store, "
            f"then run `edgebot models pull {made.id}`"
        )


def _find(source: str, store: ModelStore) -> tuple[Path, Entry | None]:
    """The GGUF file that ``source`` means, and its entry where it is of the catalogue."""
    if source in store.catalog:
        installed = store.open(source)
        if installed.entry.engine != "llama":
            raise UsageError(f"{source} is no GGUF model; see `edgebot models list`")
        return installed.files["model"], installed.entry
    path = Path(source)
    if path.suffix == ".gguf" or path.exists():
        return path, None
    try:
        store.catalog[source]
    except ConfigError as unknown:
        raise UsageError(f"{unknown}; a file is named with its .gguf") from None
    raise UsageError(f"{source} is neither a model nor a file")
