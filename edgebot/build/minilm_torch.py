"""A BERT encoder in plain torch: for gradients and training. torch is imported when it is used."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

import numpy as np

from edgebot.build.artefact import Artefact
from edgebot.build.minilm_weights import AFTER, INNER, KEY, OUTER, QUERY, VALUE, Bert, layer_name

Tensor: TypeAlias = Any
"""torch.Tensor; torch itself is not needed to read this file."""

THREADS = 2
"""Always the same number, whatever the machine has: sums come out the same each time."""

MAX_TOKENS = 128


@dataclass(frozen=True)
class Batch:
    """Texts of different length, filled up."""

    ids: Tensor
    """(texts, tokens)"""

    mask: Tensor
    """(texts, tokens), 1.0 where there is a token."""


@dataclass
class Gates:
    """Factors on heads and neurons, all one: what would follow from taking one away."""

    heads: list[Tensor] = field(default_factory=list)
    neurons: list[Tensor] = field(default_factory=list)


@dataclass
class Squares:
    """Sums of squares of what goes into the second matrix of attention and feed-forward."""

    attended: list[Tensor] = field(default_factory=list)
    active: list[Tensor] = field(default_factory=list)
    tokens: float = 0.0


def prepare(seed: int) -> Any:
    """torch, set up so that the same seed gives the same numbers."""
    import torch

    torch.manual_seed(seed)
    torch.set_num_threads(THREADS)
    torch.use_deterministic_algorithms(True)
    return torch


def parameters(bert: Bert, trained: bool) -> dict[str, Tensor]:
    """The weights of ``bert`` as tensors."""
    import torch

    made = {name: torch.from_numpy(np.array(array)) for name, array in bert.tensors.items()}
    for tensor in made.values():
        tensor.requires_grad_(trained)
    return made


def weights(tensors: Mapping[str, Tensor]) -> dict[str, Any]:
    """The tensors as arrays again."""
    return {name: tensor.detach().numpy().copy() for name, tensor in tensors.items()}


def tokenized(artefact: Artefact, texts: Sequence[str]) -> list[list[int]]:
    """Token ids of each text, with [CLS] and [SEP]."""
    from tokenizers import Tokenizer

    tokenizer = Tokenizer.from_file(str(artefact.file("tokenizer")))
    tokenizer.no_padding()
    tokenizer.enable_truncation(MAX_TOKENS)
    return [entry.ids for entry in tokenizer.encode_batch(list(texts))]


def batch_of(ids: Sequence[Sequence[int]]) -> Batch:
    """``ids`` filled up to the longest."""
    import torch

    longest = max(map(len, ids))
    filled, mask = torch.zeros(len(ids), longest, dtype=torch.long), torch.zeros(len(ids), longest)
    for row, pieces in enumerate(ids):
        filled[row, : len(pieces)] = torch.tensor(pieces)
        mask[row, : len(pieces)] = 1.0
    return Batch(filled, mask)


def hidden_states(
    bert: Bert,
    tensors: Mapping[str, Tensor],
    batch: Batch,
    gates: Gates | None = None,
    squares: Squares | None = None,
) -> list[Tensor]:
    """The state before the first layer and behind each, (texts, tokens, width)."""
    from torch.nn import functional

    def norm(value: Tensor, name: str) -> Tensor:
        scale, shift = tensors[f"{name}.weight"], tensors[f"{name}.bias"]
        return functional.layer_norm(value, (bert.width,), scale, shift, bert.epsilon)

    def dense(value: Tensor, layer: int, part: str) -> Tensor:
        name = layer_name(layer, part)
        return functional.linear(value, tensors[f"{name}.weight"], tensors[f"{name}.bias"])

    tables = [f"embeddings.{kind}_embeddings.weight" for kind in ("word", "position", "token_type")]
    words, places, segments = (tensors[name] for name in tables)
    tokens = batch.ids.shape[1]
    state = norm(words[batch.ids] + places[:tokens] + segments[0], "embeddings.LayerNorm")
    states = [state]
    for layer in range(bert.layers):
        sides = [dense(state, layer, part) for part in (QUERY, KEY, VALUE)]
        attended = _attention(bert, sides, batch, gates.heads[layer] if gates else None)
        _add_squares(squares.attended if squares else None, attended, layer, batch)
        state = norm(
            dense(attended, layer, AFTER) + state, layer_name(layer, "attention.output.LayerNorm")
        )
        active = functional.gelu(dense(state, layer, INNER))
        if gates:
            active = active * gates.neurons[layer]
        _add_squares(squares.active if squares else None, active, layer, batch)
        state = norm(dense(active, layer, OUTER) + state, layer_name(layer, "output.LayerNorm"))
        states.append(state)
    if squares:
        squares.tokens += float(batch.mask.sum())
    return states


def sentence_vectors(state: Tensor, batch: Batch) -> Tensor:
    """Mean over the tokens, of length one: (texts, width)."""
    from torch.nn import functional

    mask = batch.mask[:, :, None]
    return functional.normalize((state * mask).sum(1) / mask.sum(1), dim=1)


def _attention(bert: Bert, sides: list[Tensor], batch: Batch, gate: Tensor | None) -> Tensor:
    from torch.nn import functional

    texts, tokens, inner = sides[0].shape
    split = [side.view(texts, tokens, -1, bert.head_width).transpose(1, 2) for side in sides]
    seen = batch.mask[:, None, None, :] > 0
    query, key, value = split
    heads = functional.scaled_dot_product_attention(query, key, value, attn_mask=seen)
    if gate is not None:
        heads = heads * gate[None, :, None, None]
    return heads.transpose(1, 2).reshape(texts, tokens, inner)


def _add_squares(sums: list[Tensor] | None, value: Tensor, layer: int, batch: Batch) -> None:
    if sums is None:
        return
    found = ((value * batch.mask[:, :, None]) ** 2).sum(dim=(0, 1)).detach()
    if layer == len(sums):
        sums.append(found)
    else:
        sums[layer] += found
