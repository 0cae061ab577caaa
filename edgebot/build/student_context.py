"""Fitting vectors of pieces together with a look at each piece's neighbours. Needs torch.

To the mean of its pieces a sentence adds the mean of ``mix · relu(taps · [left, piece, right])``:
some numbers a piece that see which words stand side by side. The losses are those of
:mod:`edgebot.build.student_fit`.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from edgebot.build.minilm_torch import prepare
from edgebot.build.student_fit import aligned, main_directions
from edgebot.core.errors import EngineError
from edgebot.models.progress import Progress

Floats = npt.NDArray[np.float32]

_BATCH, _BUCKET = 256, 16
_RATE = 2e-3


@dataclass(frozen=True, slots=True)
class Context:
    """Weights of the look at neighbours."""

    taps: Floats
    """(rank, 3 × dimensions)"""

    bias: Floats
    """(rank,)"""

    mix: Floats
    """(dimensions, rank)"""


def fit_with_context(
    vectors: Floats,
    ids: Sequence[Sequence[int]],
    wanted: Floats,
    *,
    rank: int,
    epochs: int,
    step: float,
    relation: float,
    seed: int,
    progress: Progress,
) -> tuple[Floats, Context, dict[str, list[float]]]:
    """Vectors (pieces, dimensions), context and curves; ``wanted``: the teacher's vectors.

    Raises ``EngineError`` when the loss is no number any more.
    """
    torch = prepare(seed)
    kept = [at for at, pieces in enumerate(ids) if pieces]
    ids = [np.asarray(ids[at], np.int64) for at in kept]  # type: ignore[misc]
    targets = main_directions(wanted[kept], vectors.shape[1])
    start = aligned(vectors, ids, targets)
    scale = float(np.linalg.norm(start, axis=1).mean()) / np.sqrt(start.shape[1])
    net = _Net(torch, start, rank, scale)
    optimizer = torch.optim.Adam([{"params": [net.rows]}, {"params": net.others}])
    goals = torch.from_numpy(targets)
    rng, done = np.random.default_rng(seed), 0
    lengths = np.array([len(pieces) for pieces in ids])
    steps = epochs * -(-len(ids) // _BATCH)
    curves: dict[str, list[float]] = {"cosine": [], "relation": []}
    progress.begin("fitting", steps)
    for _ in range(epochs):
        told = []
        for chosen in _batches(lengths, rng):
            units = torch.nn.functional.normalize(net(*_padded(torch, [ids[at] for at in chosen])))
            goal = goals[torch.from_numpy(chosen)]
            cosine = (1 - (units * goal).sum(1)).mean()
            alike = (units @ units.T - goal @ goal.T).square().mean()
            loss = cosine + relation * alike
            share = 1 - done / (steps + 1)
            for group, rate in zip(optimizer.param_groups, (step * scale, _RATE), strict=True):
                group["lr"] = rate * share
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            done += 1
            told.append((cosine.item(), alike.item()))
            progress.advance(done)
        if not np.isfinite(told).all():
            raise EngineError("static-student: the loss is no number; take a smaller `step`")
        for name, value in zip(curves, np.mean(told, axis=0), strict=True):
            curves[name].append(round(float(value), 5))
    progress.end()
    return net.rows.detach().numpy(), net.context(), curves


class _Net:
    """The student as torch sees it."""

    def __init__(self, torch: Any, rows: Floats, rank: int, scale: float) -> None:
        self._torch = torch
        width = rows.shape[1]
        self.rows = torch.nn.Parameter(torch.from_numpy(rows.copy()))
        self._taps = torch.nn.Linear(3 * width, rank)
        self._mix = torch.nn.Parameter(torch.zeros(width, rank))
        self._scale = scale
        self.others = [*self._taps.parameters(), self._mix]

    def __call__(self, ids: Any, mask: Any) -> Any:
        """Sums that point where the sentences do, shape (sentences, width)."""
        torch = self._torch
        rows = torch.nn.functional.embedding(ids, self.rows) * mask[..., None]
        nothing = torch.zeros_like(rows[:, :1])
        left = torch.cat([nothing, rows[:, :-1]], dim=1)
        right = torch.cat([rows[:, 1:], nothing], dim=1)
        seen = self._taps(torch.cat([left, rows, right], dim=2) / self._scale)
        hidden = torch.relu(seen) * mask[..., None]
        # The mix is told in units of the rows, or it would have to grow from them first.
        together = rows.sum(1) + self._scale * (hidden.sum(1) @ self._mix.T)
        return together / mask.sum(1, keepdim=True)

    def context(self) -> Context:
        """Weights for rows as they are, without the scale."""
        taps = self._taps.weight.detach().numpy() / self._scale
        mix = self._mix.detach().numpy() * self._scale
        found = (taps, self._taps.bias.detach().numpy(), mix)
        return Context(*(np.asarray(each, np.float32) for each in found))


def _batches(
    lengths: npt.NDArray[np.intp], rng: np.random.Generator
) -> list[npt.NDArray[np.int64]]:
    """Sentences by chance, those of about one length together: padding costs time."""
    order = rng.permutation(len(lengths))
    found = []
    for start in range(0, len(order), _BATCH * _BUCKET):
        part = order[start : start + _BATCH * _BUCKET]
        part = part[np.argsort(lengths[part], kind="stable")]
        found += [part[at : at + _BATCH] for at in range(0, len(part), _BATCH)]
    return [found[int(at)] for at in rng.permutation(len(found))]


def _padded(torch: Any, ids: Sequence[npt.NDArray[np.int64]]) -> tuple[Any, Any]:
    longest = max(map(len, ids))
    padded = np.zeros((len(ids), longest), np.int64)
    mask = np.zeros((len(ids), longest), np.float32)
    for at, pieces in enumerate(ids):
        padded[at, : len(pieces)] = pieces
        mask[at, : len(pieces)] = 1.0
    return torch.from_numpy(padded), torch.from_numpy(mask)
