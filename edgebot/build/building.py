"""Runs a recipe: its steps from the cache or anew, its evaluators, its gates."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from edgebot.build.artefact import Artefact, of_file, of_installed
from edgebot.build.evaluator import Evaluator
from edgebot.build.gates import Verdict, judge
from edgebot.build.recipe import Recipe, texts_of
from edgebot.build.step import Made, Step, Texts, require_kind
from edgebot.build.step_cache import Kept, StepCache
from edgebot.build.worker import run_apart
from edgebot.config import paths
from edgebot.core.errors import ModelError, OutOfMemory
from edgebot.models.entry import Entry
from edgebot.models.progress import Progress, Silent
from edgebot.models.store import ModelStore

_SPARE_BYTES = 200_000_000
"""Free space that a build leaves."""


@dataclass(frozen=True, slots=True)
class Origin:
    """The model a recipe begins with."""

    artefact: Artefact
    entry: Entry | None
    """None for a file that no catalogue knows."""

    name: str


@dataclass(frozen=True, slots=True)
class Done:
    """A step that was run, now or before."""

    step: Step[Any]
    kept: Kept
    cached: bool


@dataclass(frozen=True)
class Built:
    """What came of a recipe."""

    recipe: Recipe
    origin: Origin
    artefact: Artefact
    done: tuple[Done, ...]
    figures: dict[str, float]
    verdicts: tuple[Verdict, ...]
    skipped: tuple[str, ...] = ()
    """Evaluators that were left out because their data is not here."""

    costs: dict[str, tuple[float, float]] = field(default_factory=dict)
    """Evaluator → its seconds and its peak memory in MB."""

    profile: str | None = None

    @property
    def passed(self) -> bool:
        """Whether it may be shipped."""
        return all(verdict.passed for verdict in self.verdicts)


def build_cache() -> StepCache:
    """Where steps of this machine are kept."""
    return StepCache(paths.cache_dir() / "steps")


def find_origin(recipe: Recipe, file: Path, store: ModelStore) -> Origin:
    """The source of ``recipe``; raises ``ModelMissing`` (pull it first), ``ModelCorrupt``."""
    if recipe.source in store.catalog:
        installed = store.open(recipe.source)
        return Origin(of_installed(installed), installed.entry, installed.id)
    path = Path(recipe.source)
    if path.suffix or path.is_absolute():
        path = path if path.is_absolute() else file.parent / path
        return Origin(of_file(path), None, path.name)
    store.catalog[recipe.source]  # raises what names the nearest model
    raise AssertionError


class Building:
    """One recipe on its way."""

    def __init__(
        self,
        recipe: Recipe,
        file: Path,
        origin: Origin,
        *,
        cache: StepCache | None = None,
        data: Path | None = None,
        threads: int = 1,
        profile: str | None = None,
        progress: Progress | None = None,
    ) -> None:
        """``file``: where the recipe is; ``data``: development data, if there is any here."""
        self.recipe, self.origin, self.profile = recipe, origin, profile
        self._cache = cache or build_cache()
        self._threads = threads
        self._progress = progress or Silent()
        self._texts: Texts = texts_of(recipe, file, data)
        self._steps = recipe.made_steps()
        self._check_kinds()

    def _check_kinds(self) -> None:
        kind = self.origin.artefact.file().suffix.removeprefix(".")
        for step in self._steps:
            require_kind(kind, step.takes, f"the step {step.name}")
            kind = step.makes
        self.kind = kind

    # --- what is to be done

    def plan(self) -> list[tuple[Step[Any], bool]]:
        """The steps and whether what they make is known already; False behind the first new one."""
        planned: list[tuple[Step[Any], bool]] = []
        artefact: Artefact | None = self.origin.artefact
        for step in self._steps:
            kept = None
            if artefact is not None:
                key = self._cache.step_key(step, artefact, self.origin.artefact, self._texts)
                kept = self._cache.load(key)
            artefact = kept.artefact if kept else None
            planned.append((step, kept is not None))
        return planned

    def run(self) -> Built:
        """Do it; raises what a step raises, and nothing half-written stays."""
        self._require_room()
        artefact, done = self.origin.artefact, []
        for step in self._steps:
            kept, cached = self._step(step, artefact)
            done.append(Done(step, kept, cached))
            artefact = kept.artefact
        figures, skipped, costs = self._measure(artefact)
        verdicts = tuple(judge(self.recipe.gates_on(self.profile), figures))
        return Built(
            self.recipe,
            self.origin,
            artefact,
            tuple(done),
            figures,
            verdicts,
            tuple(skipped),
            costs,
            self.profile,
        )

    def _require_room(self) -> None:
        size = self.origin.artefact.size
        need = 3 * size + _SPARE_BYTES
        root = self._cache.root
        root.mkdir(parents=True, exist_ok=True)
        free = shutil.disk_usage(root).free
        if free < need:
            raise ModelError(
                f"{root}: {free / 1e6:.0f} MB are free and about {need / 1e6:.0f} MB are needed; "
                "make room or name another directory with EDGEBOT_CACHE_DIR"
            )
        memory_mb = max(step.cost(size).memory_mb for step in self._steps)
        if memory_mb > (available := available_mb()):
            raise OutOfMemory(
                f"{self.recipe.name}: about {memory_mb:.0f} MB of memory are needed and "
                f"{available:.0f} MB are free; end other programs or build on a larger machine"
            )

    # --- steps

    def _step(self, step: Step[Any], artefact: Artefact) -> tuple[Kept, bool]:
        source = self.origin.artefact
        key = self._cache.step_key(step, artefact, source, self._texts)
        with self._cache.lock(key):
            if kept := self._cache.load(key):
                self._progress.say(f"{self.recipe.name}: {step.name} is known already")
                return kept, True
            self._progress.say(f"{self.recipe.name}: {step.name} …")
            with self._cache.staging(key, alone=True) as staging:
                folder, scratch = staging / "files", staging / "scratch"
                folder.mkdir()
                scratch.mkdir()
                request = self._request("step", step, artefact, scratch)
                ran = run_apart({**request, "folder": str(folder)}, self._progress, self._threads)
                made = Made(ran.result["roles"], ran.result["notes"])
                return self._cache.keep(key, folder, made, ran.seconds, ran.peak_mb), False

    def _request(
        self, kind: str, part: Step[Any] | Evaluator[Any], artefact: Artefact, scratch: Path
    ) -> dict[str, Any]:
        return {
            "kind": kind,
            "name": part.name,
            "parameters": part.parameters.model_dump(mode="json"),
            "artefact": _written(artefact),
            "source": _written(self.origin.artefact),
            "scratch": str(scratch),
            "texts": {name: [str(f) for f in fs] for name, fs in self._texts.files.items()},
        }

    # --- figures

    def _measure(
        self, artefact: Artefact
    ) -> tuple[dict[str, float], list[str], dict[str, tuple[float, float]]]:
        figures: dict[str, float] = {}
        skipped: list[str] = []
        costs: dict[str, tuple[float, float]] = {}
        for evaluator in self.recipe.made_evaluators():
            require_kind(self.kind, evaluator.takes, f"the evaluator {evaluator.name}")
            text = getattr(evaluator.parameters, "text", None)
            if text and not self._texts.files.get(text) and text in self.recipe.texts:
                self._progress.say(f"{self.recipe.name}: {evaluator.name} left out, no {text} here")
                skipped.append(f"{evaluator.name} ({text})")
                continue
            found, cost = self._figures(evaluator, artefact)
            figures |= found
            if cost:
                costs[evaluator.name] = cost
        return figures, skipped, costs

    def _figures(
        self, evaluator: Evaluator[Any], artefact: Artefact
    ) -> tuple[dict[str, float], tuple[float, float] | None]:
        key = self._cache.figures_key(evaluator, artefact, self.origin.artefact, self._texts)
        if evaluator.repeatable and (known := self._cache.load_figures(key)) is not None:
            self._progress.say(f"{self.recipe.name}: {evaluator.name} is known already")
            return known, None
        self._progress.say(f"{self.recipe.name}: {evaluator.name} …")
        with self._cache.staging(key) as scratch:
            request = self._request("evaluator", evaluator, artefact, scratch)
            ran = run_apart(request, self._progress, self._threads)
        found: dict[str, float] = ran.result["figures"]
        if evaluator.repeatable:
            self._cache.keep_figures(key, found)
        return found, (ran.seconds, ran.peak_mb)


def _written(artefact: Artefact) -> dict[str, Any]:
    return {"folder": str(artefact.folder.absolute()), "roles": dict(artefact.roles)}


def available_mb(read: Callable[[], str] | None = None) -> float:
    """Memory that is free, in 10**6 bytes, as the kernel says."""
    text = read() if read else Path("/proc/meminfo").read_text(encoding="ascii")
    for line in text.splitlines():
        if line.startswith("MemAvailable:"):
            return int(line.split()[1]) * 1024 / 1e6
    return float("inf")
