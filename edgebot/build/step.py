"""A step of a build: a small function on the files of a model, and the table of all steps.

A step says by its class what it takes and makes; its parameters are what a recipe writes under its
name. It runs in a process of its own (its peak memory is its own, a crash of native code is an
error and not the end), writes into an empty directory and is told nothing else: the same input,
parameters, texts and libraries give the same bytes, which is what the cache relies on.
"""

from __future__ import annotations

import os
import shutil
from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, ClassVar, Generic, TypeVar

from edgebot.build.artefact import Artefact
from edgebot.config.sections.base import Section
from edgebot.core.errors import UsageError
from edgebot.core.registry import Registry
from edgebot.models.progress import Progress, Silent


class Parameters(Section):
    """Base of what a recipe may write under the name of a step or an evaluator.

    A field called ``text`` names one of the recipe's texts: its content then belongs to the key of
    the cache.
    """


class Seeded(Parameters):
    """Parameters of what draws numbers."""

    seed: int = 0
    """Start of every random number."""


P = TypeVar("P", bound=Parameters)


@dataclass(frozen=True, slots=True)
class Cost:
    """About what a step or an evaluator takes, for ``--dry-run``."""

    seconds: float
    """On two x86 cores."""

    memory_mb: float


@dataclass(frozen=True, slots=True)
class Texts:
    """The recipe's texts: name → files."""

    files: Mapping[str, Sequence[Path]] = field(default_factory=dict)

    def paths(self, name: str) -> list[Path]:
        """The files of the text called ``name``; raises ``UsageError`` when there are none."""
        if not self.files.get(name):
            known = ", ".join(sorted(self.files)) or "none"
            raise UsageError(f"the recipe has no text called {name!r} (it has {known})")
        return list(self.files[name])

    def read(self, name: str) -> str:
        """The files of the text called ``name`` one after the other; never empty."""
        text = "\n\n".join(
            path.read_text(encoding="utf-8", errors="replace") for path in self.paths(name)
        )
        if not text.strip():
            raise UsageError(
                f"the text {name!r} of the recipe is empty; name files with text in them"
            )
        return text


@dataclass(frozen=True)
class Job:
    """What a step is given for one run."""

    artefact: Artefact
    """What the step before it made."""

    source: Artefact
    """What the recipe began with: the teacher, the reference."""

    folder: Path
    """Empty; what the step makes goes into it, and nothing else."""

    scratch: Path
    """Empty; for what is not needed afterwards."""

    texts: Texts = field(default_factory=Texts)
    threads: int = 1
    progress: Progress = field(default_factory=Silent)

    def keep(self, *roles: str) -> dict[str, str]:
        """Take the files of ``roles`` over unchanged; returns their roles for :class:`Made`."""
        kept = {}
        for role in roles:
            name = self.artefact.roles[role]
            target = self.folder / name
            target.parent.mkdir(parents=True, exist_ok=True)
            if not target.exists():
                _link(self.artefact.file(role), target)
            kept[role] = name
        return kept


@dataclass(frozen=True, slots=True)
class Made:
    """What a step made."""

    roles: Mapping[str, str]
    """Role → path inside the job's folder."""

    notes: Mapping[str, Any] = field(default_factory=dict)
    """Figures worth keeping (JSON): what was dropped, what fell back, curves."""


class Step(ABC, Generic[P]):
    """One step with its parameters."""

    name: ClassVar[str]
    """As recipes write it."""

    takes: ClassVar[str]
    """Kind of file it works on: ``gguf``, ``onnx``, ``safetensors``."""

    makes: ClassVar[str]
    """Kind of file it makes."""

    revision: ClassVar[int] = 1
    """To be raised when the same parameters give other bytes than before."""

    libraries: ClassVar[tuple[str, ...]] = ()
    """Distributions whose version decides about the bytes."""

    schema: ClassVar[type[Parameters]]

    def __init__(self, parameters: P) -> None:
        self.parameters = parameters

    def cost(self, artefact_bytes: int) -> Cost:
        """About what it takes for a model of so many bytes."""
        return Cost(seconds=1 + artefact_bytes / 50e6, memory_mb=100 + 2 * artefact_bytes / 1e6)

    @abstractmethod
    def run(self, job: Job) -> Made:
        """Do it.

        Raises ``EngineError`` for a model it cannot work on, ``UsageError`` for parameters that
        make no sense with it.
        """


STEPS = Registry(
    "step",
    {
        # GGUF language models
        "importance": "edgebot.build.importance:Importance",
        "quantize": "edgebot.build.gguf_quantize:QuantizeGguf",
        "prune-vocabulary": "edgebot.build.prune_vocabulary:PruneVocabulary",
        "activity": "edgebot.build.activity:Activity",
        "prune-layers": "edgebot.build.prune_layers:PruneLayers",
        "prune-neurons": "edgebot.build.prune_neurons:PruneNeurons",
        "prune-attention": "edgebot.build.prune_attention:PruneAttention",
        "prune-heads": "edgebot.build.prune_heads:PruneHeads",
        "mask-weights": "edgebot.build.mask_weights:MaskWeights",
        "export-onnx": "edgebot.build.export_step:ExportOnnx",
        # Sentence encoders, voices, turn detectors: ONNX
        "export-encoder": "edgebot.build.minilm_export:ExportEncoder",
        "prune-encoder": "edgebot.build.minilm_prune:PruneEncoder",
        "distil-encoder": "edgebot.build.distil:DistilEncoder",
        "static-student": "edgebot.build.student:StaticStudent",
        "onnx-dynamic": "edgebot.build.onnx_quant:Dynamic",
        "onnx-static": "edgebot.build.onnx_quant:Static",
        "onnx-weights": "edgebot.build.onnx_quant_weights:WeightOnly",
        "onnx-store": "edgebot.build.voice_store:Store",
        "onnx-floats": "edgebot.build.smart_turn_floats:Floats",
    },
)
"""Name in a recipe → its class, imported when first asked for."""


def make_step(name: str, parameters: Mapping[str, Any]) -> Step[Any]:
    """The step called ``name``; raises ``ConfigError`` (no such step), ``ValueError``."""
    kind = STEPS.load(name)
    step: Step[Any] = kind(kind.schema.model_validate(parameters))
    return step


def _link(source: Path, target: Path) -> None:
    try:
        os.link(source, target)
    except OSError:  # another file system, or one without hard links
        shutil.copyfile(source, target)


def require_kind(found: str, wanted: str, name: str) -> None:
    """Raise ``UsageError`` when a step that takes ``wanted`` is given ``found``."""
    if wanted not in (found, "any"):
        raise UsageError(f"{name} works on {wanted} files, and what it is given is {found}")
