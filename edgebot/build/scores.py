"""Which layers, neurons and heads matter least: scores by weight, by activity, from a file."""

from __future__ import annotations

from typing import Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from edgebot.build.activity import ACTIVITY, load_activity
from edgebot.build.gguf_file import GgufFile
from edgebot.build.step import Job
from edgebot.core.errors import UsageError

Score: TypeAlias = Literal["activity", "weights", "random", "file"]
"""``weights`` is the textbook's sum of magnitudes, kept as the baseline that does not work;
``file`` is the role ``scores`` (``layers``, ``neurons.N``, ``heads.N``), from a gradient say."""

HeadScore: TypeAlias = Literal["activity", "attention", "weights", "random", "file"]
"""``attention``: what a head does not give to the first token."""

SCORES = "scores"

_LAYER = ("attn_q", "attn_k", "attn_v", "attn_output", "ffn_gate", "ffn_up", "ffn_down")

Values: TypeAlias = npt.NDArray[np.float64]


def layer_scores(source: GgufFile, job: Job, score: Score, seed: int) -> Values:
    """One for each layer; the lowest goes first."""
    if score == "weights":
        return np.array(
            [
                sum(
                    float(np.abs(source.numbers(f"blk.{at}.{part}.weight")).sum())
                    for part in _LAYER
                )
                for at in range(source.layers)
            ]
        )
    if score == "random":
        return np.random.default_rng(seed).random(source.layers)
    found = _from_file(job, score)["influence" if score == "activity" else "layers"]
    if len(found) != source.layers:
        raise UsageError("the scores are of another model; put their step right before this one")
    return found.astype(np.float64)


def neuron_scores(source: GgufFile, job: Job, layer: int, score: Score, seed: int) -> Values:
    """One for each MLP neuron of ``layer``: its activity times what it adds to the output."""
    name = f"blk.{layer}.ffn_down.weight"
    if score == "random":
        return np.random.default_rng((seed, layer)).random(source.width(name))
    down = source.numbers(name)
    if score == "weights":
        gate, up = (source.numbers(f"blk.{layer}.ffn_{part}.weight") for part in ("gate", "up"))
        sums: Values = np.abs(down).sum(0) + np.abs(gate).sum(1) + np.abs(up).sum(1)
        return sums.astype(np.float64)
    if score == "file":
        return _from_file(job, score)[f"neurons.{layer}"].astype(np.float64)
    energy = _from_file(job, score)[f"energy.ffn_down.{layer}"]
    worth: Values = np.sqrt(energy.astype(np.float64)) * np.linalg.norm(down, axis=0)
    return worth


def group_scores(source: GgufFile, job: Job, layer: int, score: HeadScore, seed: int) -> Values:
    """One for each group of attention heads that share keys and values."""
    groups = source.header.number("attention.head_count_kv")
    name = f"blk.{layer}.attn_output.weight"
    if score == "random":
        return np.random.default_rng((seed, layer)).random(groups)
    if score == "file":
        heads = _from_file(job, score)[f"heads.{layer}"].astype(np.float64)
        return _together(heads, groups)
    if score == "attention":
        maps = _from_file(job, score).get("attention.first")
        if maps is None:
            raise UsageError("the score 'attention' needs the step activity with 'maps: true'")
        return _together(1.0 - maps[layer].astype(np.float64), groups)
    out = source.numbers(name)
    columns = np.abs(out).sum(0).astype(np.float64)
    if score == "activity":
        energy = _from_file(job, score)[f"energy.attn_output.{layer}"].astype(np.float64)
        columns = energy * (out.astype(np.float64) ** 2).sum(0)
    return _together(columns, groups)


def _together(values: Values, groups: int) -> Values:
    sums: Values = values.reshape(groups, -1).sum(1)
    return sums


def _from_file(job: Job, score: HeadScore) -> dict[str, npt.NDArray[np.float32]]:
    role = SCORES if score == "file" else ACTIVITY
    if not job.artefact.has(role):
        step = "activity" if role == ACTIVITY else "that makes the role 'scores'"
        raise UsageError(f"the score {score!r} needs the step {step} before this one in the recipe")
    return load_activity(job.artefact.file(role))
