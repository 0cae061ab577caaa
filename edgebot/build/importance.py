"""The importance matrix: how much each input of each weight matters on calibration text.

Squared inputs per column of every product with weights, as llama.cpp's own imatrix tool sums them,
seen through the evaluation callback. Quantization then rounds worst what matters least.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgebot.build.passages import passages
from edgebot.build.step import Cost, Job, Made, Parameters, Step

IMPORTANCE = "importance"
"""Role of the file with the matrix."""

FILE = "importance.npz"
_WINDOW = 512
_LEAST_TOKENS = 64


class ImportanceParameters(Parameters):
    """What ``importance`` takes."""

    text: str = "calibration"
    """Text of the recipe that the model reads."""

    tokens: int = 8192
    """How many tokens of it are read."""


class Importance(Step[ImportanceParameters]):
    """Adds an importance matrix to a model; the model itself stays as it is."""

    name = "importance"
    takes = makes = "gguf"
    libraries = ("llama-cpp-python",)
    schema = ImportanceParameters

    def cost(self, artefact_bytes: int) -> Cost:
        """Reading at some hundred tokens a second for 100 MB."""
        return Cost(self.parameters.tokens / 150 * artefact_bytes / 1e8, 300 + artefact_bytes / 5e5)

    def run(self, job: Job) -> Made:
        """See :class:`Step`."""
        text = job.texts.read(self.parameters.text)
        sums, tokens = collect(job.artefact.file(), text, self.parameters.tokens, job.threads, job)
        np.savez(job.folder / FILE, **_sorted(sums))
        roles = {**job.keep(*job.artefact.roles), IMPORTANCE: FILE}
        return Made(roles, {"tokens": tokens, "tensors": len(sums)})


def collect(
    path: Path, text: str, tokens: int, threads: int, job: Job
) -> tuple[dict[str, npt.NDArray[np.float32]], int]:
    """Mean squared input of every column by name of the weights, and how many tokens were read."""
    from edgebot.build.native import Scores, open_model

    sums: dict[str, npt.NDArray[np.float64]] = {}
    counts: dict[str, int] = {}

    def wanted(_: str, source: str) -> bool:
        return source.endswith(".weight") and "norm" not in source and source != "token_embd.weight"

    def seen(_: str, source: str, values: Scores) -> None:
        squares = np.einsum("ij,ij->j", values, values, dtype=np.float64)
        if source in sums and len(sums[source]) == len(squares):
            sums[source] += squares
        else:
            sums[source] = squares
            counts[source] = 0
        counts[source] += len(values)

    read = 0
    with open_model(path, threads, context_tokens=_WINDOW, wanted=wanted, seen=seen) as model:
        chosen = passages(model, text, tokens, _WINDOW, least_tokens=_LEAST_TOKENS)
        job.progress.begin(f"importance: {path.name}", sum(map(len, chosen)))
        for window in chosen:
            model.read(window)
            read += len(window)
            job.progress.advance(read)
    return {name: (sums[name] / counts[name]).astype(np.float32) for name in sums}, read


def _sorted(sums: dict[str, npt.NDArray[np.float32]]) -> dict[str, Any]:
    return {name: sums[name] for name in sorted(sums)}


def load_importance(path: Path) -> dict[str, npt.NDArray[np.float32]]:
    """The matrix in ``path`` by name of the weights."""
    with np.load(path, allow_pickle=False) as file:
        return {name: file[name] for name in file.files}
