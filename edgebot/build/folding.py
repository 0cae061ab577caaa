"""What a dropped structure did, folded into linear weights that stay: normalised least squares.

Every token counts by one over the squared length of its hidden state. That is what the next layer
sees, since it begins with a norm; without it the few tokens whose state is a thousand times as long
as that of others (the first one above all) decide about everything, and the rest explodes.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from edgebot.build.least_squares import addition
from edgebot.build.passages import passages
from edgebot.build.step import Job

_WINDOW = 512
_LEAST_TOKENS = 64

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Fold:
    """What is to be told from what: names of nodes of llama.cpp's graph."""

    inputs: str
    """Inputs of the linear weights: those of the product with the weights of that name, or a node
    of that name."""

    before: str
    """Hidden state as it is without what is dropped."""

    after: str
    """Hidden state as it should be."""


@dataclass(slots=True)
class _Sums:
    energies: Floats | None = None
    missing: Floats | None = None

    def add(self, inputs: Floats, missing: Floats, weights: Floats) -> None:
        weighted = inputs * weights[:, None]
        energies, across = weighted.T @ inputs, weighted.T @ missing
        self.energies = energies if self.energies is None else self.energies + energies
        self.missing = across if self.missing is None else self.missing + across


def folded(
    path: Path, text: str, tokens: int, folds: Mapping[int, Fold], job: Job
) -> dict[int, Floats]:
    """What is to be added to the weights of each of ``folds``, shape (outputs, inputs).

    Fitted to about ``tokens`` tokens of ``text`` as the model at ``path`` reads them.
    """
    from edgebot.build.native import Scores, open_model

    names = {name for fold in folds.values() for name in (fold.inputs, fold.before, fold.after)}
    found: dict[str, Scores] = {}

    def named(node: str, source: str) -> str | None:
        return next((name for name in (node, source) if name in names), None)

    def wanted(node: str, source: str) -> bool:
        return named(node, source) is not None

    def seen(node: str, source: str, values: Scores) -> None:
        name = named(node, source)
        if name is not None:
            found[name] = values.copy()

    sums = {at: _Sums() for at in folds}
    read = 0
    with open_model(path, job.threads, context_tokens=_WINDOW, wanted=wanted, seen=seen) as model:
        chosen = passages(model, text, tokens, _WINDOW, least_tokens=_LEAST_TOKENS)
        job.progress.begin(f"folding: {path.name}", sum(map(len, chosen)))
        for window in chosen:
            model.read(window)
            for at, fold in folds.items():
                after = found[fold.after].astype(np.float64)
                lengths = np.maximum(np.square(after).sum(axis=1), 1e-12)
                missing = after - found[fold.before]
                sums[at].add(found[fold.inputs].astype(np.float64), missing, 1.0 / lengths)
            read += len(window)
            job.progress.advance(read)
    made = {}
    for at, each in sums.items():
        assert each.energies is not None and each.missing is not None
        made[at] = addition(each.energies, each.missing)
    return made


def runs(gone: set[int]) -> dict[int, int]:
    """Layer before a run of dropped layers → the last of the run; -1 where none is before it."""
    found: dict[int, int] = {}
    for layer in sorted(gone):
        before = layer - 1
        while before in gone:
            before -= 1
        found[before] = layer
    return found


HIDDEN = re.compile(r"^l_out-(\d+)$")
"""What llama.cpp calls the hidden state behind a layer."""

BEGINNING = ("embd", "inp_embd")
"""What it calls the one before the first layer."""
