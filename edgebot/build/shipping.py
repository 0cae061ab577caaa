"""A built model made ready for boards: manifest, signature, catalogue entry, report."""

from __future__ import annotations

import json
import os
import platform
import shutil
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from edgebot.build.artefact import MODEL
from edgebot.build.building import Built
from edgebot.build.evaluator import SOURCE
from edgebot.build.manifest import manifest_of, options_of
from edgebot.build.report import write_report
from edgebot.config import paths
from edgebot.core.errors import UsageError
from edgebot.models import built as loading
from edgebot.models.catalog import Catalog
from edgebot.models.digest import sha256_of, sync_directory, write_atomically, writing
from edgebot.models.entry import Entry
from edgebot.models.sealed import SUFFIX, seal
from edgebot.models.signatures import SigningKey, make_pair
from edgebot.models.store import Installed, ModelStore

ENTRY_FILE = "catalog.yaml"
FIGURES_FILE = "figures.json"
_ENGINES = {"gguf": "llama", "onnx-llm": "onnx", "static": "static", "embedder onnx": "minilm"}
"""Kind of file, with the stage before it where one kind serves several → engine."""


@dataclass(frozen=True, slots=True)
class Shipped:
    """What lies ready."""

    entry: Entry
    folder: Path


def signing_key(named: Path | None) -> SigningKey:
    """The key ``named``, else this machine's own, which is made when it is first needed."""
    if named is not None:
        return SigningKey.read(named)
    private = paths.state_dir() / "keys" / "build.pem"
    if not private.is_file():
        private.parent.mkdir(parents=True, exist_ok=True)
        make_pair(private, private.with_suffix(".json"), platform.node(), None)
    return SigningKey.read(private)


def ship(
    built: Built, out: Path, key: SigningKey, cpu: Iterable[str] = (), sealing: bytes | None = None
) -> Shipped:
    """Make the directory ``out``, whole or not at all.

    ``cpu``: instruction-set extensions it needs; ``sealing``: the key that its files are encrypted
    with, where the recipe asks for it. Raises ``UsageError`` when that is missing and when ``out``
    holds something else, ``ModelError`` when the disk is full.
    """
    if built.recipe.encrypt and sealing is None:
        raise UsageError(
            f"{built.recipe.name}: the recipe wants it encrypted; name a key with --seal-key"
        )
    if out.exists() and not (out / loading.MANIFEST_FILE).is_file() and any(out.iterdir()):
        raise UsageError(f"{out} holds something that is no build; name another directory")
    with writing(out.parent):
        out.parent.mkdir(parents=True, exist_ok=True)
        part = Path(tempfile.mkdtemp(prefix=f".{out.name}.", dir=out.parent))
        try:
            part.chmod(0o755)
            entry = _fill(built, part, out.absolute(), key, sorted(cpu), sealing)
            _replace(part, out)
        finally:
            shutil.rmtree(part, ignore_errors=True)
    return Shipped(entry, out)


def _fill(
    built: Built, part: Path, out: Path, key: SigningKey, cpu: list[str], sealing: bytes | None
) -> Entry:
    files: list[dict[str, Any]] = []
    sealed_roles = []
    for role in sorted(built.artefact.roles):
        source = built.artefact.file(role)
        if role == MODEL and _has_other_role(built.artefact.roles):
            continue  # a voice's file is called by its own role
        name = Path(built.artefact.roles[role]).name
        if built.recipe.encrypt and sealing is not None and role == MODEL:
            name += SUFFIX
            seal(source, part / name, sealing)
            sealed_roles.append(role)
        else:
            _copy(source, part / name)
        files.append(_file(part / name, role))
    manifest = manifest_of(built, files, cpu, sealed_roles)
    content = (json.dumps(manifest, indent=1, ensure_ascii=False) + "\n").encode()
    (part / loading.MANIFEST_FILE).write_bytes(content)
    (part / loading.SIGNATURE_FILE).write_bytes(key.sign(content))
    files += [
        _file(part / loading.MANIFEST_FILE, loading.MANIFEST),
        _file(part / loading.SIGNATURE_FILE, loading.SIGNATURE),
    ]
    entry = _entry(built, files, out)
    (part / ENTRY_FILE).write_text(entry_text(entry), encoding="utf-8")
    (part / FIGURES_FILE).write_text(json.dumps(built.figures, indent=1) + "\n")
    (part / "key.json").write_bytes(key.public.to_bytes())
    write_report(built, manifest, part)
    return entry


def _has_other_role(roles: Mapping[str, str]) -> bool:
    return sum(path == roles[MODEL] for path in roles.values()) > 1


def _file(path: Path, role: str) -> dict[str, Any]:
    return {
        "role": role,
        "path": path.name,
        "size": path.stat().st_size,
        "sha256": sha256_of(path),
    }


def _entry(built: Built, files: list[dict[str, Any]], out: Path) -> Entry:
    known, recipe = built.origin.entry, built.recipe
    suffix = Path(built.artefact.roles[MODEL]).suffix.removeprefix(".")
    makes = built.done[-1].step.makes if built.done else suffix
    kind = makes if makes in _ENGINES else suffix
    stage = known.stage if known else "llm"
    engine = _ENGINES.get(f"{stage} {kind}") or _ENGINES.get(kind)
    named = [dict(file) for file in files]
    return Entry.model_validate(
        {
            "id": recipe.name,
            "stage": stage,
            "engine": engine or (known.engine if known else kind),
            "language": known.language if known else None,
            "licence": recipe.licence or (known.licence if known else "unknown"),
            "homepage": known.homepage if known else "",
            "description": f"{recipe.description} (built here)",
            "memory_mb": _memory_mb(built),
            "context_kib_per_token": known.context_kib_per_token if known else 0.0,
            "options": options_of(built),
            "files": named,
            "sources": [
                {"local": {"path": str(out), "members": {f["path"]: f["path"] for f in named}}}
            ],
        }
    )


def _memory_mb(built: Built) -> int:
    """The source's need, changed by what was measured (or by the files' sizes)."""
    figures, entry = built.figures, built.origin.entry
    peak = f"{SOURCE}peak_rss_mb"
    if "peak_rss_mb" in figures and peak in figures:
        more = (figures["peak_rss_mb"] - figures[peak]) * 1e6 / (1 << 20)
    else:
        more = (built.artefact.size - built.origin.artefact.size) / (1 << 20)
    before = entry.memory_mb if entry else built.origin.artefact.size / (1 << 20) + 100
    return max(1, round(before + more))


def entry_text(entry: Entry) -> str:
    """``entry`` as a file for ``catalog.d``."""
    data = entry.model_dump(mode="json", exclude_defaults=True)
    head = "# Written by `edgebot build`.\n"
    return head + yaml.safe_dump({"models": [data]}, sort_keys=False, allow_unicode=True)


def install(shipped: Shipped, key: SigningKey, models_dir: Path, catalog: Catalog) -> Installed:
    """Put a build into the store of this machine, and its key among those trusted there.

    Raises ``UsageError`` when another model has its name, ``ModelError`` when the store cannot be
    written.
    """
    entry, others = shipped.entry, []
    for other in catalog:
        if other.id != entry.id:
            others.append(other)
        elif not loading.is_built(other):
            raise UsageError(f"{entry.id} is another model of the catalogue; rename the recipe")
    store = ModelStore(models_dir, Catalog([*others, entry]))
    with writing(models_dir), store.lock(entry.id):
        keys, catalogs = models_dir / loading.KEYS, models_dir / "catalog.d"
        for folder in (keys, catalogs):
            folder.mkdir(parents=True, exist_ok=True)
        write_atomically(keys / f"{key.public.id}.json", key.public.to_bytes())
        blobs = {file.path: shipped.folder / file.path for file in entry.files}
        installed = store.install(entry, blobs, [str(shipped.folder)])
        write_atomically(catalogs / f"{entry.id}.yaml", entry_text(entry).encode())
    return installed


def _copy(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:
        shutil.copyfile(source, target)


def _replace(part: Path, target: Path) -> None:
    for path in part.iterdir():
        with path.open("rb") as file:
            os.fsync(file.fileno())
    sync_directory(part)
    old = part.with_name(f"{part.name}.old")
    if target.exists():
        target.rename(old)
    part.rename(target)
    sync_directory(target.parent)
    shutil.rmtree(old, ignore_errors=True)
