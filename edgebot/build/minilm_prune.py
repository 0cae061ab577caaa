"""The step ``prune-encoder``: whole heads, neurons and layers taken out of a BERT encoder.

What is left is a smaller matrix and not a mask: the file shrinks and the encoder gets faster, in an
onnxruntime that knows nothing of it. ``distil-encoder`` after it recovers part of what was lost.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import Field

from edgebot.build.gradient import Importance, Method, importance
from edgebot.build.minilm_torch import tokenized
from edgebot.build.minilm_weights import (
    AFTER,
    INNER,
    KEY,
    OUTER,
    QUERY,
    VALUE,
    Bert,
    layer_name,
    read_bert,
    write_bert,
)
from edgebot.build.onnx_quant_feeds import sentences
from edgebot.build.step import Job, Made, Seeded, Step
from edgebot.core.errors import UsageError


class PruneEncoderParameters(Seeded):
    """What ``prune-encoder`` takes."""

    heads: int | None = Field(default=None, ge=1)
    """Heads that stay in each layer; None: all."""

    neurons: int | None = Field(default=None, ge=8)
    """Neurons that stay in the feed-forward part of each layer; None: all."""

    layers: tuple[int, ...] | None = None
    """Layers that stay, counted from 0; None: all."""

    by: Method = "activity+gradient"
    """Which score chooses heads and neurons."""

    text: str = "calibration"
    """Sentences on which the model is watched."""

    sentences: int = Field(default=128, ge=4, le=5000)
    """How many of them."""


class PruneEncoder(Step[PruneEncoderParameters]):
    """A narrower or shallower encoder."""

    name = "prune-encoder"
    takes = "safetensors"
    makes = "safetensors"
    libraries: ClassVar[tuple[str, ...]] = ("numpy", "tokenizers")
    schema = PruneEncoderParameters

    def run(self, job: Job) -> Made:
        """The smaller weights; raises ``UsageError`` where more is to stay than there is."""
        want = self.parameters
        bert = read_bert(job.artefact)
        before = bert.parameters
        bert = without_layers(bert, want.layers)
        if want.heads or want.neurons:
            _check(bert, want)
            ids: list[list[int]] = []
            if want.by not in ("weight", "random"):
                found = sentences(job.texts, want.text, want.sentences)
                ids = tokenized(job.artefact, found)
            scores = importance(bert, want.by, ids, want.seed, job.progress)
            bert = narrowed(bert, scores, want.heads, want.neurons)
        notes: dict[str, Any] = {"parameters": bert.parameters, "parameters_before": before}
        return Made({**write_bert(bert, job.folder), **job.keep("tokenizer")}, notes)


def _check(bert: Bert, want: PruneEncoderParameters) -> None:
    for layer in range(bert.layers):
        there = {"heads": bert.heads(layer), "neurons": bert.neurons(layer)}
        for what, most in there.items():
            kept = getattr(want, what)
            if kept and kept > most:
                raise UsageError(
                    f"prune-encoder: {what}: {kept} are to stay in layer {layer}, which has {most}"
                )


def without_layers(bert: Bert, kept: tuple[int, ...] | None) -> Bert:
    """``bert`` with only the layers ``kept``, numbered anew."""
    if kept is None:
        return bert
    if not kept or any(not 0 <= layer < bert.layers for layer in kept):
        raise UsageError(f"prune-encoder: layers: there are {bert.layers}, counted from 0")
    tensors = {
        name: tensor for name, tensor in bert.tensors.items() if not name.startswith("encoder.")
    }
    for new, old in enumerate(sorted(set(kept))):
        prefix = layer_name(old, "")
        for name, tensor in bert.tensors.items():
            if name.startswith(prefix):
                tensors[layer_name(new, name.removeprefix(prefix))] = tensor
    config = {**bert.config, "num_hidden_layers": len(set(kept))}
    return Bert(tensors, config)


def narrowed(bert: Bert, scores: list[Importance], heads: int | None, neurons: int | None) -> Bert:
    """``bert`` with the ``heads`` and ``neurons`` of each layer that score highest."""
    changed: dict[str, Any] = {}
    for layer, score in enumerate(scores):
        if heads:
            kept = best(score.heads, heads)
            columns = (
                kept[:, None] * bert.head_width + np.arange(bert.head_width)[None, :]
            ).reshape(-1)
            changed |= _cut(bert, layer, (QUERY, KEY, VALUE), AFTER, columns)
        if neurons:
            changed |= _cut(bert, layer, (INNER,), OUTER, best(score.neurons, neurons))
    return bert.with_tensors(changed)


def best(scores: Any, count: int) -> npt.NDArray[np.int64]:
    """Places of the ``count`` largest, in their order; the first of equals."""
    return np.sort(np.argsort(-np.asarray(scores), kind="stable")[:count])


def _cut(
    bert: Bert, layer: int, into: tuple[str, ...], out: str, kept: npt.NDArray[np.int64]
) -> dict[str, Any]:
    """Matrices whose outputs, and the one whose inputs, are only ``kept``."""
    changed = {}
    for part in into:
        matrix, bias = bert.dense(layer, part)
        changed[f"{layer_name(layer, part)}.weight"] = matrix[kept]
        changed[f"{layer_name(layer, part)}.bias"] = bias[kept]
    matrix, _ = bert.dense(layer, out)
    changed[f"{layer_name(layer, out)}.weight"] = np.ascontiguousarray(matrix[:, kept])
    return changed
