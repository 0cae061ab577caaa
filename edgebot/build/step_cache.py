"""What steps made and evaluators found, kept by the hash of everything it depends on.

A directory appears with one rename and with the hashes of its files: what was interrupted leaves
nothing that could be picked up, and what was damaged since is made anew.
"""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from edgebot.build.artefact import Artefact
from edgebot.build.evaluator import Evaluator
from edgebot.build.step import Made, Step, Texts
from edgebot.core.errors import UsageError
from edgebot.models.digest import locked, sha256_of, sync_directory, write_atomically, writing

FORMAT = 1
_FACTS = "made.json"
_FILES = "files"


@dataclass(frozen=True, slots=True)
class Kept:
    """What a step made, with the record of how."""

    artefact: Artefact
    notes: Mapping[str, Any]
    seconds: float
    peak_mb: float


class StepCache:
    """A directory of results. Safe to use from several processes at once."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def step_key(self, step: Step[Any], artefact: Artefact, source: Artefact, texts: Texts) -> str:
        """Of what ``step`` makes from ``artefact``."""
        return _key("step", step, [artefact.sha256, source.sha256], texts)

    def figures_key(
        self, evaluator: Evaluator[Any], artefact: Artefact, source: Artefact, texts: Texts
    ) -> str:
        """Of what ``evaluator`` finds about ``artefact``."""
        return _key("figures", evaluator, [artefact.sha256, source.sha256], texts)

    def load(self, key: str) -> Kept | None:
        """What was made under ``key``; None when nothing was, or when it is no longer whole."""
        folder = self.root / key[:2] / key
        try:
            facts = json.loads((folder / _FACTS).read_text(encoding="utf-8"))
            artefact = Artefact(folder / _FILES, facts["roles"])
            whole = artefact.hashes == facts["sha256"]
        except (FileNotFoundError, NotADirectoryError):
            whole = False
        except (OSError, ValueError, KeyError, TypeError):
            whole = False
        if not whole:
            shutil.rmtree(folder, ignore_errors=True)
            return None
        return Kept(artefact, facts["notes"], facts["seconds"], facts["peak_mb"])

    @contextmanager
    def staging(self, key: str, *, alone: bool = False) -> Iterator[Path]:
        """An empty directory on the cache's own file system; removed whatever happens.

        ``alone``: the caller holds :meth:`lock`, so what a power cut left of ``key`` can go.
        """
        with writing(self.root):
            self.root.mkdir(parents=True, exist_ok=True)
            for left in self.root.glob(f".{key[:12]}.*") if alone else ():
                shutil.rmtree(left, ignore_errors=True)
            folder = Path(tempfile.mkdtemp(prefix=f".{key[:12]}.", dir=self.root))
        try:
            yield folder
        finally:
            shutil.rmtree(folder, ignore_errors=True)

    def lock(self, key: str) -> Any:
        """Be the only one who makes ``key``."""
        return locked(self.root / ".locks" / f"{key}.lock")

    def keep(self, key: str, folder: Path, made: Made, seconds: float, peak_mb: float) -> Kept:
        """Take the directory ``folder`` with what a step made; it appears whole or not at all."""
        whole = Path(tempfile.mkdtemp(prefix=f".{key[:12]}.", dir=self.root))
        try:
            with writing(self.root):
                folder.rename(whole / _FILES)
                _settle(whole / _FILES)
                hashes = Artefact(whole / _FILES, made.roles).hashes
                facts = {
                    "roles": dict(made.roles),
                    "sha256": hashes,
                    "notes": dict(made.notes),
                    "seconds": seconds,
                    "peak_mb": peak_mb,
                }
                write_atomically(whole / _FACTS, json.dumps(facts, sort_keys=True).encode())
                target = self.root / key[:2] / key
                target.parent.mkdir(exist_ok=True)
                shutil.rmtree(target, ignore_errors=True)
                whole.rename(target)
                sync_directory(target.parent)
        finally:
            shutil.rmtree(whole, ignore_errors=True)
        kept = self.load(key)
        assert kept is not None
        return kept

    def load_figures(self, key: str) -> dict[str, float] | None:
        """Figures that were kept under ``key``."""
        try:
            text = (self.root / "figures" / f"{key}.json").read_text(encoding="utf-8")
            found = json.loads(text)
            return {str(name): float(value) for name, value in found.items()}
        except (OSError, ValueError, AttributeError, TypeError):
            return None

    def keep_figures(self, key: str, figures: Mapping[str, float]) -> None:
        """Keep ``figures``."""
        with writing(self.root):
            folder = self.root / "figures"
            folder.mkdir(parents=True, exist_ok=True)
            write_atomically(folder / f"{key}.json", json.dumps(dict(figures)).encode())


def _key(kind: str, part: Step[Any] | Evaluator[Any], inputs: list[str], texts: Texts) -> str:
    text = getattr(part.parameters, "text", None)
    depends = {
        "format": FORMAT,
        "kind": kind,
        "name": part.name,
        "revision": part.revision,
        "parameters": part.parameters.model_dump(mode="json"),
        "inputs": inputs,
        "text": [sha256_of(path) for path in texts.paths(text)] if text else [],
        "libraries": {name: _version(name, part.name) for name in part.libraries},
    }
    return hashlib.sha256(json.dumps(depends, sort_keys=True).encode()).hexdigest()


def _version(library: str, part: str) -> str:
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        raise UsageError(
            f"{part} needs the package {library}: pip install 'edgebot[build]'"
        ) from None


def _settle(folder: Path) -> None:
    """Everything in ``folder`` onto the disk, and safe from being changed by mistake."""
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
            try:
                os.fsync(descriptor)
            finally:
                os.close(descriptor)
    sync_directory(folder)
