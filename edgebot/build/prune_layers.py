"""Whole layers taken out: the least precise way to a smaller model, and the simplest."""

from __future__ import annotations

import re

import numpy as np
from pydantic import Field

from edgebot.build.activity import left_over
from edgebot.build.artefact import MODEL
from edgebot.build.gguf_file import GgufFile
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


class PruneLayers(Step[LayersParameters]):
    """Fewer layers; those that stay are numbered anew and unchanged."""

    name = "prune-layers"
    takes = makes = "gguf"
    libraries = ("gguf",)
    schema = LayersParameters

    def run(self, job: Job) -> Made:
        """See :class:`Step`."""
        source = GgufFile(job.artefact.file())
        source.require(self.name)
        gone = self._gone(source, job)
        places = {
            old: new for new, old in enumerate(at for at in range(source.layers) if at not in gone)
        }
        dropped = {
            name: None
            for name in source.tensors
            if (found := _BLOCK.match(name)) and int(found[1]) in gone
        }
        source.rewrite(
            job.folder / "model.gguf",
            fields={f"{source.architecture}.block_count": len(places)},
            tensors=dropped,
            rename=lambda name: _BLOCK.sub(lambda found: f"blk.{places[int(found[1])]}.", name),
        )
        roles = {**job.keep(*left_over(job.artefact.roles)), MODEL: "model.gguf"}
        return Made(roles, {"dropped": sorted(gone), "layers": len(places)})

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
