"""Attention heads taken out, in the groups that share keys and values."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt
from pydantic import Field

from edgebot.build.activity import left_over
from edgebot.build.artefact import MODEL
from edgebot.build.gguf_file import GgufFile, Tensor, of_floats, rows_of
from edgebot.build.prune_neurons import moment, refitted
from edgebot.build.scores import HeadScore, group_scores
from edgebot.build.step import Job, Made, Seeded, Step
from edgebot.core.errors import UsageError


class HeadsParameters(Seeded):
    """What ``prune-heads`` takes."""

    groups: int = Field(ge=1)
    """Groups of heads that go in every layer."""

    score: HeadScore = "activity"
    refit: bool = True
    """Fit what stays of ``attn_output``; needs ``activity`` with ``together: true``."""


class PruneHeads(Step[HeadsParameters]):
    """Fewer heads in every layer; ``attn_output`` becomes 16-bit floats, so quantize afterwards."""

    name = "prune-heads"
    takes = makes = "gguf"
    revision = 2
    libraries = ("gguf", "numpy")
    schema = HeadsParameters

    def run(self, job: Job) -> Made:
        """See :class:`Step`."""
        source = GgufFile(job.artefact.file())
        source.require(self.name)
        heads = source.header.number("attention.head_count")
        groups = source.header.number("attention.head_count_kv", heads)
        width = source.width("blk.0.attn_output.weight") // heads
        stay = groups - self.parameters.groups
        if stay < 1:
            raise UsageError(f"prune-heads: there are {groups} groups of heads and one must stay")
        tensors: dict[str, Tensor | None] = {}
        job.progress.begin("heads", source.layers)
        for layer in range(source.layers):
            scores = group_scores(source, job, layer, self.parameters.score, self.parameters.seed)
            kept = np.sort(np.argsort(-scores, kind="stable")[:stay])
            keys = _members(kept, width)
            queries = _members(kept, width * heads // groups)
            for part, rows in (("q", queries), ("k", keys), ("v", keys)):
                for kind in ("weight", "bias"):
                    if (name := f"blk.{layer}.attn_{part}.{kind}") in source.tensors:
                        tensors[name] = rows_of(source.tensor(name), rows)
            name = f"blk.{layer}.attn_output.weight"
            out = source.numbers(name)
            if self.parameters.refit:
                out = refitted(out, queries, moment(job, f"attn_output.{layer}"))
            else:
                out = out[:, queries]
            tensors[name] = of_floats(out)
            job.progress.advance(layer + 1)
        prefix = f"{source.architecture}.attention"
        source.rewrite(
            job.folder / "model.gguf",
            fields={
                f"{prefix}.head_count": stay * heads // groups,
                f"{prefix}.head_count_kv": stay,
                f"{prefix}.key_length": width,
                f"{prefix}.value_length": width,
            },
            tensors=tensors,
        )
        roles = {**job.keep(*left_over(job.artefact.roles)), MODEL: "model.gguf"}
        return Made(roles, {"heads": stay * heads // groups, "heads_before": heads})


def _members(groups: npt.NDArray[np.intp], size: int) -> npt.NDArray[np.intp]:
    """Rows of the ``groups``, each ``size`` rows."""
    return (groups[:, None] * size + np.arange(size)[None, :]).reshape(-1)
