"""Fitting vectors of pieces to what a teacher makes of whole sentences. Needs numpy alone.

Minimised is ``1 − cos`` between the student's mean and the teacher's vector (its main directions),
plus the squared difference of the similarity matrices of a batch, by Adam (Kingma and Ba, 2015) on
the pieces that occur in the batch.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from edgebot.models.progress import Progress

Floats = npt.NDArray[np.float32]

_BATCH = 256
_DECAY, _DECAY_SQUARES = 0.9, 0.999


@dataclass(frozen=True, slots=True)
class Fitted:
    """Vectors and how the losses fell."""

    vectors: Floats
    curves: dict[str, list[float]]
    """Loss → its mean in each epoch."""


def fit_pieces(
    vectors: Floats,
    ids: Sequence[Sequence[int]],
    wanted: Floats,
    *,
    epochs: int,
    step: float,
    relation: float,
    seed: int,
    progress: Progress,
) -> Fitted:
    """Fit ``vectors`` (pieces, dimensions) so that means over ``ids`` come close to ``wanted``."""
    kept = [at for at, pieces in enumerate(ids) if pieces]
    ids = [np.asarray(ids[at], np.int64) for at in kept]  # type: ignore[misc]
    targets = main_directions(wanted[kept], vectors.shape[1])
    fitted = aligned(vectors, ids, targets)
    scale = float(np.linalg.norm(fitted, axis=1).mean()) / np.sqrt(fitted.shape[1])
    first, second = np.zeros_like(fitted), np.zeros_like(fitted)
    often = np.zeros((len(fitted), 1), np.float32)  # most pieces are in few of the batches
    batches = -(-len(ids) // _BATCH)
    rng, done = np.random.default_rng(seed), 0
    curves: dict[str, list[float]] = {"cosine": [], "relation": []}
    progress.begin("fitting", epochs * batches)
    for _ in range(epochs):
        losses = np.zeros(2)
        order = rng.permutation(len(ids))
        for start in range(0, len(ids), _BATCH):
            chosen = order[start : start + _BATCH]
            batch = [ids[at] for at in chosen]
            used, gradient, loss = _gradient(fitted, batch, targets[chosen], relation)
            done += 1
            rate = step * scale * (1.0 - (done - 1) / (epochs * batches))
            first[used] += (1 - _DECAY) * (gradient - first[used])
            second[used] += (1 - _DECAY_SQUARES) * (gradient**2 - second[used])
            often[used] += 1
            mean = first[used] / (1 - _DECAY ** often[used])
            square = second[used] / (1 - _DECAY_SQUARES ** often[used])
            fitted[used] -= rate * mean / (np.sqrt(square) + 1e-12)
            losses += loss
            progress.advance(done)
        for name, value in zip(curves, losses / batches, strict=True):
            curves[name].append(round(float(value), 5))
    progress.end()
    return Fitted(fitted, curves)


def main_directions(wanted: Floats, dimensions: int) -> Floats:
    """The teacher's vectors along the directions that matter most, of length one."""
    _, directions = np.linalg.eigh(np.asarray(wanted.T @ wanted, np.float64))
    kept = directions[:, ::-1][:, :dimensions]
    kept = kept * np.sign(kept[np.abs(kept).argmax(axis=0), np.arange(kept.shape[1])])
    targets = np.zeros((len(wanted), dimensions), np.float32)
    targets[:, : kept.shape[1]] = wanted @ kept
    return _units(targets)


def aligned(vectors: Floats, ids: Sequence[Sequence[int]], targets: Floats) -> Floats:
    """The linear map of ``vectors`` that brings the means nearest to ``targets``."""
    means = np.stack([vectors[pieces].mean(axis=0) for pieces in ids]).astype(np.float64)
    ridge = 1e-3 * np.trace(means.T @ means) / means.shape[1]
    products = means.T @ means + ridge * np.eye(means.shape[1])
    return np.asarray(vectors @ np.linalg.solve(products, means.T @ targets), np.float32)


def _gradient(
    vectors: Floats, batch: Sequence[Sequence[int]], targets: Floats, relation: float
) -> tuple[npt.NDArray[np.int64], Floats, npt.NDArray[np.float64]]:
    """Pieces of the batch, the gradient of each, and both losses."""
    flat = np.concatenate([np.asarray(pieces) for pieces in batch])
    used, where = np.unique(flat, return_inverse=True)
    share = np.zeros((len(batch), len(used)), np.float32)
    lengths = [len(pieces) for pieces in batch]
    rows = np.repeat(np.arange(len(batch)), lengths)
    np.add.at(share, (rows, where), 1.0 / np.repeat(lengths, lengths).astype(np.float32))
    means = share @ vectors[used]
    norms = np.maximum(np.linalg.norm(means, axis=1, keepdims=True), 1e-9)
    units = means / norms
    difference = units @ units.T - targets @ targets.T
    count = len(batch)
    # d/du of mean(1 − u·t) and of relation · mean((uuᵀ − ttᵀ)²).
    slope = -targets / count + relation * 4.0 * (difference @ units) / count**2
    through = (slope - units * np.sum(slope * units, axis=1, keepdims=True)) / norms
    losses = np.array([1.0 - np.mean(np.sum(units * targets, axis=1)), np.mean(difference**2)])
    return used, np.asarray(share.T @ through, np.float32), losses


def _units(vectors: Floats) -> Floats:
    lengths = np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
    return np.asarray(vectors / lengths, np.float32)
