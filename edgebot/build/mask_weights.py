"""Single weights set to nought wherever they are: smaller only when zipped, and not faster.

Here for comparison with what takes whole structures out.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from pydantic import Field

from edgebot.build.artefact import MODEL
from edgebot.build.gguf_file import GgufFile, Tensor, of_floats
from edgebot.build.importance import IMPORTANCE, load_importance
from edgebot.build.step import Job, Made, Parameters, Step
from edgebot.core.errors import UsageError


class MaskParameters(Parameters):
    """What ``mask-weights`` takes."""

    share: float = Field(gt=0, lt=1)
    """Of the weights of each row that become nought."""

    score: Literal["weights", "activity"] = "activity"
    """``weights``: |w|; ``activity``: |w| times the strength of its input (Wanda)."""


class MaskWeights(Step[MaskParameters]):
    """Noughts in all layers; the file then holds 16-bit floats, so quantize afterwards."""

    name = "mask-weights"
    takes = makes = "gguf"
    libraries = ("gguf", "numpy")
    schema = MaskParameters

    def run(self, job: Job) -> Made:
        """See :class:`Step`."""
        source = GgufFile(job.artefact.file())
        importance = {}
        if self.parameters.score == "activity":
            if not job.artefact.has(IMPORTANCE):
                raise UsageError("mask-weights by activity needs the step importance before it")
            importance = load_importance(job.artefact.file(IMPORTANCE))
        names = [
            name
            for name, tensor in source.tensors.items()
            if name.startswith("blk.") and tensor.data.ndim == 2 and name.endswith("weight")
        ]
        tensors: dict[str, Tensor | None] = {}
        job.progress.begin("mask", len(names))
        for at, name in enumerate(names):
            weights = source.numbers(name).copy()
            worth = np.abs(weights) * np.sqrt(importance.get(name, np.ones(1, np.float32)))
            count = int(self.parameters.share * weights.shape[1])
            least = np.argpartition(worth, count, axis=1)[:, :count]
            np.put_along_axis(weights, least, 0.0, axis=1)
            tensors[name] = of_floats(weights)
            job.progress.advance(at + 1)
        source.rewrite(job.folder / "model.gguf", tensors=tensors)
        roles = sorted(set(job.artefact.roles) - {MODEL})
        return Made(
            {**job.keep(*roles), MODEL: "model.gguf"}, {"masked_share": self.parameters.share}
        )
