"""MLP neurons taken out, and what is left of ``ffn_down`` fitted to make up for them.

The fit is least squares over the calibration text: with G = E[x xᵀ] of the neurons' activity, the
kept neurons k and the others g, what is added to the kept weights is W[:,g] G[g,k] (G[k,k] + λD)⁻¹,
D the kept neurons' own energies: the ridge pulls towards plain cutting and never towards nought.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from pydantic import Field

from edgebot.build.activity import ACTIVITY, left_over, load_activity
from edgebot.build.artefact import MODEL
from edgebot.build.gguf_file import GgufFile, Tensor, Weights, of_floats, rows_of
from edgebot.build.least_squares import addition
from edgebot.build.scores import Score, neuron_scores
from edgebot.build.step import Job, Made, Seeded, Step
from edgebot.core.errors import UsageError


class NeuronsParameters(Seeded):
    """What ``prune-neurons`` takes."""

    share: float = Field(gt=0, lt=1)
    """Of the neurons of each layer that go."""

    score: Score = "activity"
    refit: bool = True
    """Fit what stays; needs ``activity`` with ``together: true``."""

    multiple: int = Field(default=256, ge=1)
    """Neurons that stay are a multiple of it: block sizes of the quantized types."""


class PruneNeurons(Step[NeuronsParameters]):
    """Narrower MLPs; ``ffn_down`` becomes 16-bit floats, so quantize afterwards."""

    name = "prune-neurons"
    takes = makes = "gguf"
    revision = 2
    libraries = ("gguf", "numpy")
    schema = NeuronsParameters

    def run(self, job: Job) -> Made:
        """See :class:`Step`."""
        source = GgufFile(job.artefact.file())
        source.require(self.name)
        asked = self.parameters
        width = source.header.number("feed_forward_length")
        stay = round(width * (1 - asked.share) / asked.multiple) * asked.multiple
        if not 0 < stay < width:
            raise UsageError(
                f"prune-neurons: {asked.share:.0%} of {width} neurons leave {stay} in multiples of "
                f"{asked.multiple}; change 'share' or 'multiple'"
            )
        tensors: dict[str, Tensor | None] = {}
        job.progress.begin("neurons", source.layers)
        for layer in range(source.layers):
            scores = neuron_scores(source, job, layer, asked.score, asked.seed)
            kept = np.sort(np.argsort(-scores, kind="stable")[:stay])
            for part in ("gate", "up"):
                name = f"blk.{layer}.ffn_{part}.weight"
                tensors[name] = rows_of(source.tensor(name), kept)
            name = f"blk.{layer}.ffn_down.weight"
            tensors[name] = of_floats(self._down(source.numbers(name), kept, job, layer))
            job.progress.advance(layer + 1)
        source.rewrite(
            job.folder / "model.gguf",
            fields={f"{source.architecture}.feed_forward_length": stay},
            tensors=tensors,
        )
        roles = {**job.keep(*left_over(job.artefact.roles)), MODEL: "model.gguf"}
        return Made(roles, {"neurons": stay, "neurons_before": width})

    def _down(self, weights: Weights, kept: npt.NDArray[np.intp], job: Job, layer: int) -> Weights:
        if not self.parameters.refit:
            return weights[:, kept]
        return refitted(weights, kept, moment(job, f"ffn_down.{layer}"))


def moment(job: Job, key: str) -> npt.NDArray[np.float32]:
    """E[x xᵀ] of the input ``key``; raises ``UsageError`` when it was not observed."""
    found = load_activity(job.artefact.file(ACTIVITY)) if job.artefact.has(ACTIVITY) else {}
    if f"moment.{key}" not in found:
        raise UsageError("refitting needs the step activity with 'together: true' before this one")
    return found[f"moment.{key}"]


def refitted(
    weights: Weights, kept: npt.NDArray[np.intp], moments: npt.NDArray[np.float32]
) -> Weights:
    """``weights`` (outputs, inputs) for the inputs ``kept`` alone, as near as may be to all."""
    gone = np.setdiff1d(np.arange(len(moments)), kept)
    across = moments[np.ix_(kept, gone)].astype(np.float64) @ weights[:, gone].astype(np.float64).T
    added = addition(moments[np.ix_(kept, kept)], across)
    return (weights[:, kept] + added).astype(np.float32)
