"""An export as an entry of the catalogue: what makes ``llm.model`` find it."""

from __future__ import annotations

import re
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml

from edgebot.build.onnx_export import Exported
from edgebot.core.errors import UsageError
from edgebot.models.catalog import Catalog
from edgebot.models.digest import sha256_of, write_atomically, writing
from edgebot.models.entry import Entry
from edgebot.models.store import Installed, ModelStore
from edgebot.nlg.onnx import needed_bytes
from edgebot.nlg.onnx_export import DESCRIPTION

FILE = "catalog.yaml"
"""The entry in the directory of the export, to be copied into ``catalog.d`` of another machine."""

_COUNTED_TOKENS = 2048
"""Context that memory_mb of the catalogue counts."""


def export_id(source: str, bits: int) -> str:
    """Catalogue id of the export of ``source`` (a catalogue id or the name of a file)."""
    plain = re.sub(r"[^a-z0-9._-]+", "-", source.lower()).strip("-._") or "model"
    return f"{plain[:80]}-onnx-int{bits}" if bits < 32 else f"{plain[:80]}-onnx-fp32"


def make_entry(model_id: str, exported: Exported, source: Entry | None) -> Entry:
    """The entry of ``exported``; what cannot be read from it is taken from ``source``."""
    folder, description = exported.folder.absolute(), exported.description
    files: list[dict[str, Any]] = [
        {"path": name, "size": facts.size, "sha256": facts.sha256}
        for name, facts in description.files.items()
    ]
    path = folder / DESCRIPTION
    files.insert(
        0,
        {
            "role": "model",
            "path": DESCRIPTION,
            "size": path.stat().st_size,
            "sha256": sha256_of(path),
        },
    )
    geometry = description.geometry
    options = dict(source.options) if source else {}
    # Calls need a grammar, and this engine knows none.
    options |= {"context_tokens": geometry.context_tokens, "calls_tools": False}
    weights = "32 bits" if description.bits == 32 else f"int{description.bits}"
    return Entry.model_validate(
        {
            "id": model_id,
            "stage": "llm",
            "engine": "onnx",
            "language": source.language if source else None,
            "licence": source.licence if source else "as the file it was made from",
            "homepage": source.homepage if source else "",
            "description": f"{source.description if source else 'Own model'}; ONNX, {weights}",
            "memory_mb": -(-needed_bytes(description, _COUNTED_TOKENS) // (1 << 20)),
            "context_kib_per_token": geometry.state_bytes_per_token / 1024,
            "options": options,
            "files": files,
            "sources": [
                {"local": {"path": str(folder), "members": {f["path"]: f["path"] for f in files}}}
            ],
        }
    )


def entry_text(entry: Entry) -> str:
    """``entry`` as a file for ``catalog.d``."""
    data = entry.model_dump(mode="json", exclude_defaults=True)
    head = "# Written by `edgebot build onnx`.\n"
    return head + yaml.safe_dump({"models": [data]}, sort_keys=False, allow_unicode=True)


def install(entry: Entry, folder: Path, models_dir: Path, known: Iterable[Entry]) -> Installed:
    """Put the export in ``folder`` into the store and its entry into the store's catalogue.

    ``known``: the entries there are; one of the same id is replaced when it is an export too,
    otherwise ``UsageError`` is raised. Raises ``ModelError`` when the store cannot be written.
    """
    others = []
    for other in known:
        if other.id != entry.id:
            others.append(other)
        elif other.engine != entry.engine:
            raise UsageError(f"{entry.id} is another model of the catalogue; give --id")
    store = ModelStore(models_dir, Catalog([*others, entry]))
    with writing(models_dir), store.lock(entry.id):
        blobs = {file.path: folder / file.path for file in entry.files}
        installed = store.install(entry, blobs, [str(folder)])
        catalogs = models_dir / "catalog.d"
        catalogs.mkdir(parents=True, exist_ok=True)
        write_atomically(catalogs / f"{entry.id}.yaml", entry_text(entry).encode())
    return installed
