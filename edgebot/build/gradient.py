"""How much each head and neuron of an encoder matters: by weight, activity, gradient, or chance.

*Weight*, ``Σ|w|``: the textbook's score; kept as the labelled baseline. *Activity*,
``√E[x²] · ‖w‖`` of what goes into the second matrix (Sun et al., "A simple and effective pruning
approach for large language models" (Wanda), 2023, by structure). *Gradient*, first-order Taylor
``E|g · ∂L/∂g|`` of a factor g = 1 on each (Molchanov et al., "Importance estimation for neural
network pruning", 2019; Michel, Levy and Neubig, "Are sixteen heads really better than one?", 2019).

The loss for the gradient cannot be the distance to the model itself, which is nothing at first
order. It is that a sentence with a word left out be nearest to itself among the others (after Gao,
Yao and Chen, "SimCSE", 2021).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

from edgebot.build.minilm_torch import (
    Gates,
    Squares,
    batch_of,
    hidden_states,
    parameters,
    prepare,
    sentence_vectors,
)
from edgebot.build.minilm_weights import AFTER, INNER, KEY, OUTER, QUERY, VALUE, Bert
from edgebot.core.errors import EngineError
from edgebot.models.progress import Progress

Method = Literal["weight", "activity", "gradient", "activity+gradient", "random"]
Doubles = npt.NDArray[np.float64]

_BATCH = 16
_TEMPERATURE = 0.05


@dataclass(frozen=True, slots=True)
class Importance:
    """Scores of one layer."""

    heads: Doubles
    neurons: Doubles


def importance(
    bert: Bert, method: Method, ids: Sequence[Sequence[int]], seed: int, progress: Progress
) -> list[Importance]:
    """Scores of each layer; ``ids``: tokens of sentences, for what must see the model at work."""
    if method == "weight":
        return [_by_weight(bert, layer) for layer in range(bert.layers)]
    if method == "random":
        rng = np.random.default_rng(seed)
        return [
            Importance(rng.random(bert.heads(layer)), rng.random(bert.neurons(layer)))
            for layer in range(bert.layers)
        ]
    found = []
    if "activity" in method:
        found.append(_by_activity(bert, ids, seed, progress))
    if "gradient" in method:
        found.append(_by_gradient(bert, ids, seed, progress))
    return [_together(layers) for layers in zip(*found, strict=True)]


def _by_weight(bert: Bert, layer: int) -> Importance:
    after, inner, outer = (bert.dense(layer, part)[0] for part in (AFTER, INNER, OUTER))
    heads = np.abs(after).sum(axis=0).astype(np.float64)
    for part in (QUERY, KEY, VALUE):
        heads += np.abs(bert.dense(layer, part)[0]).sum(axis=1)
    neurons = np.abs(inner).sum(axis=1) + np.abs(outer).sum(axis=0)
    return Importance(heads.reshape(-1, bert.head_width).sum(axis=1), neurons.astype(np.float64))


def _by_activity(
    bert: Bert, ids: Sequence[Sequence[int]], seed: int, progress: Progress
) -> list[Importance]:
    torch = prepare(seed)
    tensors, squares = parameters(bert, trained=False), Squares()
    progress.begin("watching activity", len(ids))
    with torch.no_grad():
        for start in range(0, len(ids), _BATCH):
            batch = batch_of(ids[start : start + _BATCH])
            hidden_states(bert, tensors, batch, squares=squares)
            progress.advance(start)
    progress.end()
    found = []
    for layer in range(bert.layers):
        attended, active = (
            each[layer].numpy().astype(np.float64) / squares.tokens
            for each in (squares.attended, squares.active)
        )
        after, outer = (bert.dense(layer, part)[0] for part in (AFTER, OUTER))
        columns = attended * np.sum(np.square(after, dtype=np.float64), axis=0)
        heads = np.sqrt(columns.reshape(-1, bert.head_width).sum(axis=1))
        norms = np.sum(np.square(outer, dtype=np.float64), axis=0)
        found.append(Importance(heads, np.sqrt(active * norms)))
    return found


def _by_gradient(
    bert: Bert, ids: Sequence[Sequence[int]], seed: int, progress: Progress
) -> list[Importance]:
    torch = prepare(seed)
    from torch.nn import functional

    tensors, rng = parameters(bert, trained=False), np.random.default_rng(seed)
    gates = Gates(
        [torch.ones(bert.heads(layer), requires_grad=True) for layer in range(bert.layers)],
        [torch.ones(bert.neurons(layer), requires_grad=True) for layer in range(bert.layers)],
    )
    every = [*gates.heads, *gates.neurons]
    sums = [np.zeros(len(gate)) for gate in every]
    progress.begin("following gradients", len(ids))
    for start in range(0, len(ids), _BATCH):
        chosen = ids[start : start + _BATCH]
        if len(chosen) < 2:
            continue
        pairs = (batch_of(chosen), batch_of([_with_a_gap(each, rng) for each in chosen]))
        whole, gapped = (
            sentence_vectors(hidden_states(bert, tensors, each, gates)[-1], each) for each in pairs
        )
        loss = functional.cross_entropy(whole @ gapped.T / _TEMPERATURE, torch.arange(len(chosen)))
        for total, slope in zip(sums, torch.autograd.grad(loss, every), strict=True):
            total += np.abs(slope.numpy())
        progress.advance(start)
    progress.end()
    if not all(np.isfinite(total).all() for total in sums):
        raise EngineError("the gradients are no numbers; the model is damaged or the text too odd")
    return [Importance(sums[layer], sums[bert.layers + layer]) for layer in range(bert.layers)]


def _with_a_gap(ids: Sequence[int], rng: Any) -> list[int]:
    """``ids`` without one of the pieces between [CLS] and [SEP]."""
    if len(ids) < 4:
        return list(ids)
    gap = int(rng.integers(1, len(ids) - 1))
    return [*ids[:gap], *ids[gap + 1 :]]


def _together(layers: Sequence[Importance]) -> Importance:
    """The mean rank where there are several scores."""
    if len(layers) == 1:
        return layers[0]
    return Importance(
        *(
            np.mean([_ranks(getattr(each, kind)) for each in layers], axis=0)
            for kind in ("heads", "neurons")
        )
    )


def _ranks(scores: Doubles) -> Doubles:
    return np.argsort(np.argsort(scores, kind="stable"), kind="stable").astype(np.float64)
