"""Logistic models: a weighted sum of features as a probability.

The weights are fitted by ``python -m benchmarks.fit_knowledge`` and kept in ``data/weights.json``.
"""

from __future__ import annotations

import functools
import importlib.resources
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Logistic:
    """Weights by the name of the feature."""

    bias: float
    weights: Mapping[str, float]

    def logit(self, features: Mapping[str, float]) -> float:
        """The weighted sum; features without a weight count nothing."""
        return self.bias + sum(
            weight * features.get(name, 0.0) for name, weight in self.weights.items()
        )

    def probability(self, features: Mapping[str, float]) -> float:
        """0 … 1."""
        return sigmoid(self.logit(features))


def sigmoid(logit: float) -> float:
    """1 / (1 + e^-x) without overflow."""
    if logit < 0:
        power = math.exp(max(logit, -700.0))
        return power / (1.0 + power)
    return 1.0 / (1.0 + math.exp(-logit))


@functools.cache
def fitted(name: str) -> Logistic:
    """The model called ``name`` in the weights file."""
    file = importlib.resources.files("edgebot.knowledge") / "data" / "weights.json"
    entry = json.loads(file.read_text(encoding="utf-8"))[name]
    return Logistic(entry["bias"], entry["weights"])
