"""Whole layers taken out: the least precise way to a smaller model, and the simplest.

What a dropped layer did can be folded into ``ffn_down`` of the layer before it (folding.py).
"""

from __future__ import annotations

import re

import numpy as np
from pydantic import Field, model_validator

from edgebot.build.activity import left_over
from edgebot.build.artefact import MODEL
from edgebot.build.folding import Fold, folded, runs
from edgebot.build.gguf_file import GgufFile, Tensor, of_floats
from edgebot.build.scores import Score, layer_scores
from edgebot.build.step import Job, Made, Seeded, Step
from edgebot.core.errors import UsageError

_BLOCK = re.compile(r"^blk\.(\d+)\.")


class LayersParameters(Seeded):
    """What ``prune-layers`` takes."""

    count: int = Field(default=0, ge=0)
    """How many go, the lowest scores first."""

    layers: tuple[int, ...] = ()
    """Or these."""

    score: Score = "activity"

    fold: bool = False
    """Fold what they did into the layers before them, fitted to ``text``."""

    text: str | None = None
    tokens: int = Field(default=4096, ge=64)

    @model_validator(mode="after")
    def _text_to_fold(self) -> LayersParameters:
        if self.fold and self.text is None:
            raise ValueError("folding needs 'text', the text it is fitted to")
        return self


class PruneLayers(Step[LayersParameters]):
    """Fewer layers; those that stay are numbered anew and unchanged but for what is folded.

    Weights with something folded into them become 16-bit floats, so quantize afterwards.
    """

    name = "prune-layers"
    takes = makes = "gguf"
    libraries = ("gguf", "llama-cpp-python", "numpy")
    schema = LayersParameters

    def run(self, job: Job) -> Made:
        """See :class:`Step`."""
        source = GgufFile(job.artefact.file())
        source.require(self.name)
        gone = self._gone(source, job)
        places = {
            old: new for new, old in enumerate(at for at in range(source.layers) if at not in gone)
        }
        tensors: dict[str, Tensor | None] = {
            name: None
            for name in source.tensors
            if (found := _BLOCK.match(name)) and int(found[1]) in gone
        }
        if self.parameters.fold:
            tensors |= self._folded(source, gone, job)
        source.rewrite(
            job.folder / "model.gguf",
            fields={f"{source.architecture}.block_count": len(places)},
            tensors=tensors,
            rename=lambda name: _BLOCK.sub(lambda found: f"blk.{places[int(found[1])]}.", name),
        )
        roles = {**job.keep(*left_over(job.artefact.roles)), MODEL: "model.gguf"}
        return Made(roles, {"dropped": sorted(gone), "layers": len(places)})

    def _folded(self, source: GgufFile, gone: set[int], job: Job) -> dict[str, Tensor]:
        asked = self.parameters
        assert asked.text is not None
        folds = {
            at: Fold(f"blk.{at}.ffn_down.weight", f"l_out-{at}", f"l_out-{last}")
            for at, last in runs(gone).items()
            if at >= 0
        }
        added = folded(source.path, job.texts.read(asked.text), asked.tokens, folds, job)
        return {
            folds[at].inputs: of_floats(source.numbers(folds[at].inputs) + more)
            for at, more in added.items()
        }

    def _gone(self, source: GgufFile, job: Job) -> set[int]:
        asked = self.parameters
        gone = set(asked.layers)
        if asked.count:
            scores = layer_scores(source, job, asked.score, asked.seed)
            gone |= {int(at) for at in np.argsort(scores, kind="stable")[: asked.count]}
        if not gone or not gone < set(range(source.layers)):
            raise UsageError(
                f"prune-layers: of {source.layers} layers at least one must go and one must stay"
            )
        return gone
