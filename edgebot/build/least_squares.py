"""Least squares with a ridge that pulls towards leaving things as they are.

What is looked for is an addition to weights that are there already. The ridge is told input by
input, as a share of that input's own energy, because the energies inside a language model differ by
many powers of ten: a ridge of the mean energy would drown all but the loudest. With it the outcome
cannot be worse than no addition on the text it was fitted to.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]

RIDGE = 0.01


def addition(
    energies: npt.NDArray[np.floating], missing: npt.NDArray[np.floating], ridge: float = RIDGE
) -> npt.NDArray[np.float64]:
    """Weights (outputs, inputs) that make the most of what is ``missing`` out of the inputs x.

    ``energies``: E[x xᵀ], shape (inputs, inputs). ``missing``: E[x mᵀ], shape (inputs, outputs).
    """
    inner = np.asarray(energies, np.float64)
    energy = np.diag(inner)
    floor = 1e-12 * float(energy.mean()) + 1e-300
    scale = 1.0 / np.sqrt(np.maximum(energy, floor))  # correlations: well conditioned
    inner = scale[:, None] * inner * scale
    inner[np.diag_indices_from(inner)] += ridge
    found = np.linalg.solve(inner, scale[:, None] * np.asarray(missing, np.float64))
    added: npt.NDArray[np.float64] = (scale[:, None] * found).T
    return added
