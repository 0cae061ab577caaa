"""What a first start would work out on the board, worked out here: a board takes minutes for it.

The intent classifier is trained, the recogniser's phrases are drawn, the documents are encoded and
the language model reads the prompt that never changes. All of it is named by what it was made
from: where a board needs something else (other settings, sentences of its own), it makes it
itself. The state of a prompt is floats by layer and token, laid out alike on all processors.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import replace
from functools import cached_property
from pathlib import Path
from typing import Any

from edgebot.config import paths
from edgebot.config.hardware import Hardware, detect
from edgebot.config.loader import load_settings
from edgebot.config.profiles import Choice, Profile, load_profiles, profile_files
from edgebot.core.errors import UsageError
from edgebot.core.nlu import NluContext
from edgebot.deploy.bundle_order import Order
from edgebot.deploy.tools import run_tool
from edgebot.knowledge.ingest import Importer
from edgebot.knowledge.prepared import export
from edgebot.knowledge.store import KnowledgeStore
from edgebot.knowledge.walk import find
from edgebot.models.digest import locked
from edgebot.runtime.wiring import Assembly

RECIPE = 1
"""Goes up when it is made in another way."""

FOLDERS = ("classifiers", "grammar", "prompts", "knowledge")
_CORES = 64
_MEMORY_MB = 1 << 16
_SOURCES = ("nlu", "nlg", "knowledge", "embed", "dialogue", "core", "_share", "deploy/preparing.py")
"""Parts of the package that what is prepared can depend on."""


class Workbench(Assembly):
    """The engines as a board of another kind would choose them."""

    def __init__(self, name: str, settings_file: Path) -> None:
        here = replace(
            detect(), physical_cores=_CORES, memory_mb=_MEMORY_MB, available_mb=_MEMORY_MB
        )
        self._of_board = here
        self._profile = profile_named(name, paths.models_dir())

        def of_board(_name: str, _models: Path) -> Mapping[str, Any]:
            return self._profile.settings_on(here)

        super().__init__(load_settings(settings_file, profile_settings=of_board))

    @cached_property
    def hardware(self) -> Hardware:
        """A board on which nothing has to be left out."""
        return self._of_board

    @cached_property
    def choice(self) -> Choice:
        """The profile of the bundle, whatever this machine is."""
        return Choice(self._profile, "the bundle's")


def profile_named(name: str, models_dir: Path) -> Profile:
    """Raises :class:`UsageError` for an unknown name."""
    for profile in load_profiles(profile_files(models_dir)):
        if profile.name == name:
            return profile
    raise UsageError(f"no profile is called {name!r}")


def prepared(
    order: Order, settings: bytes, package: Path, cache: Path, say: Callable[[str], None]
) -> Path:
    """A folder with what boards of ``order`` need not make; made now unless ``cache`` has it.

    ``package``: edgebot as it goes into the bundle.
    """
    key = _key(order, settings, package)
    done = cache / "prepared" / f"{order.profile.name}-{key[:16]}"
    with locked(done.with_name(f"{done.name}.lock"), lambda: None):
        if done.is_dir():
            return done
        say("working out what a first start on the board would (a minute, once)")
        with tempfile.TemporaryDirectory(prefix="edgebot-prepare-") as name:
            half, file = Path(name) / "cache", Path(name) / "edgebot.yaml"
            file.write_bytes(settings)
            environ = {name: v for name, v in os.environ.items() if not name.startswith("EDGEBOT_")}
            environ |= {
                "EDGEBOT_CACHE_DIR": str(half),
                "EDGEBOT_STATE_DIR": str(Path(name) / "state"),
                "EDGEBOT_MODELS_DIR": str(paths.models_dir()),
                "PYTHONHASHSEED": "0",
            }
            words = [sys.executable, "-P", "-m", "edgebot.deploy.preparing"]
            run_tool([*words, order.profile.name, file], environ=environ)
            fresh = done.with_name(f".half-{done.name}")
            shutil.rmtree(fresh, ignore_errors=True)
            for folder in FOLDERS:
                if (half / folder).is_dir():
                    shutil.copytree(half / folder, fresh / folder)
            fresh.rename(done)
    return done


def _key(order: Order, settings: bytes, package: Path) -> str:
    with tempfile.NamedTemporaryFile(suffix=".yaml") as written:
        Path(written.name).write_bytes(settings)
        meant = load_settings(Path(written.name), {}).model_dump(mode="json")
    # What they mean, not how they are written; paths follow from who asks.
    told = sorted((name, value) for name, value in meant.items() if not name.endswith("_dir"))
    digest = hashlib.sha256(f"{RECIPE} {order.profile} {told}".encode())
    for installed in order.models:
        for spec in installed.entry.files:
            digest.update(f"{installed.id} {spec.path} {spec.sha256}\n".encode())
    for source in _SOURCES:
        place = package / source
        for file in [place] if place.is_file() else sorted(place.rglob("*")):
            if file.is_file() and file.suffix != ".pyc":
                digest.update(str(file.relative_to(package)).encode() + b"\0")
                digest.update(hashlib.sha256(file.read_bytes()).digest())
    return digest.hexdigest()


def make(assembly: Assembly, folder: Path) -> None:
    """Work everything out; what is kept in the cache anyway is left there."""
    understander = assembly.understander()
    for state in ("", *understander.sentences.states):
        understander.grammar(NluContext(state))
    if assembly.plan.has("embedder"):
        understander.classifier()
    _encode(assembly, folder / "knowledge")
    if assembly.plan.has("llm"):
        assembly.warm_language_model()


def _encode(assembly: Assembly, folder: Path) -> None:
    if not (assembly.settings.knowledge.shipped and assembly.plan.has("embedder")):
        return
    files = find([paths.share_dir("knowledge")]).files.values()
    with tempfile.TemporaryDirectory() as name:
        store = KnowledgeStore(Path(name) / "knowledge.db")
        try:
            limit = assembly.settings.knowledge.max_file_mb * 1_000_000
            Importer(store, assembly.embedder(), limit).run(files)
            export(store, files, assembly.embedder().model_id, folder)
        finally:
            store.close()


def main() -> None:
    """``python -m edgebot.deploy.preparing PROFILE SETTINGS``: fills the cache directory."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("profile")
    parser.add_argument("settings", type=Path)
    options = parser.parse_args()
    with Workbench(options.profile, options.settings) as assembly:
        make(assembly, paths.cache_dir())


if __name__ == "__main__":
    main()
