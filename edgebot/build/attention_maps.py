"""Where the attention heads of a language model look: llama.cpp's ``kq_soft_max`` of each layer.

Most heads of a trained model look at the first token most of the time, which is their way of doing
nothing (Xiao et al., "Efficient streaming language models with attention sinks", 2023): what a head
does not give to the first token says how much it works.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgebot.build.passages import passages
from edgebot.build.step import Job

_MAP = re.compile(r"^kq_soft_max-(\d+)$")
_WINDOW, _TOKENS = 256, 768
_LEAST_TOKENS = 16

Floats = npt.NDArray[np.float64]


def attention_maps(path: Path, text: str, job: Job) -> dict[str, Any]:
    """``attention.first``: share of each head's attention that the first token gets;
    ``attention.distance``: how many tokens back the rest lies. Both of shape (layers, heads), NaN
    where a layer has no attention."""
    from edgebot.build.native import Scores, open_model

    sums: dict[int, Floats] = {}
    count = 0

    def seen(name: str, _: str, values: Scores) -> None:
        if found := _MAP.match(name):
            looks = values.reshape(-1, length, values.shape[1])[:, :, :length]
            layer = int(found[1])
            sums[layer] = sums.get(layer, 0.0) + _looks(looks.astype(np.float64))

    with open_model(
        path,
        job.threads,
        context_tokens=_WINDOW,
        wanted=lambda name, _: bool(_MAP.match(name)),
        seen=seen,
        flash_attention=False,
    ) as model:
        for window in passages(model, text, _TOKENS, _WINDOW, least_tokens=_LEAST_TOKENS):
            length = len(window)
            model.read(window)
            count += length - 1
    heads = max(found.shape[1] for found in sums.values())
    both = np.full((2, max(sums) + 1, heads), np.nan, np.float32)
    for layer, found in sums.items():
        both[:, layer, : found.shape[1]] = found / count
    return {"attention.first": both[0], "attention.distance": both[1]}


def _looks(maps: Floats) -> Floats:
    """Sums over tokens of both figures, shape (2, heads); ``maps``: (heads, tokens, tokens).

    The first token is left out: it has nowhere else to look.
    """
    maps = maps[:, 1:]
    behind = np.arange(1, maps.shape[1] + 1)[:, None] - np.arange(maps.shape[2])[None, :]
    first = maps[:, :, 0]
    others = maps[:, :, 1:]
    rest = np.maximum(others.sum(axis=2), 1e-9)
    distance = (others * np.maximum(behind[:, 1:], 0)).sum(axis=2) / rest
    return np.stack([first.sum(axis=1), distance.sum(axis=1)])
