"""What fitting the knowledge base takes: bases to ask, tables of examples, logistic regression."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.knowledge_data import Asked
from edgebot.core.embedding import TokenEmbedder, TokenVectors, Vectors
from edgebot.core.knowledge import Passage
from edgebot.knowledge import logistic
from edgebot.knowledge.extract import Reading
from edgebot.knowledge.features import Question, take_apart
from edgebot.knowledge.ingest import Importer
from edgebot.knowledge.lexical import LexicalIndex
from edgebot.knowledge.retrieve import Retriever
from edgebot.knowledge.store import KnowledgeStore
from edgebot.knowledge.vectors import VectorScan

WEIGHTS = Path(logistic.__file__).parent / "data" / "weights.json"
FOLDS = 5
Array = npt.NDArray[np.float64]


class Remembering:
    """An encoder that encodes no text twice."""

    def __init__(self, embedder: TokenEmbedder) -> None:
        self._embedder = embedder
        self.model_id, self.dimensions = embedder.model_id, embedder.dimensions
        self._pieces: dict[str, TokenVectors] = {}
        self._vectors: dict[str, Vectors] = {}

    def embed(self, texts: Sequence[str]) -> Vectors:
        new = [text for text in dict.fromkeys(texts) if text not in self._vectors]
        self._vectors.update(zip(new, self._embedder.embed(new), strict=True))
        return np.stack([self._vectors[text] for text in texts])

    def tokens(self, text: str) -> TokenVectors:
        if text not in self._pieces:
            self._pieces[text] = self._embedder.tokens(text)
        return self._pieces[text]

    def close(self) -> None:
        pass


class Base:
    """An imported set of documents with the questions asked of it."""

    def __init__(self, folder: Path, asked: list[Asked], embedder: Any) -> None:
        self.asked = asked
        self.embedder = embedder
        self._found: dict[tuple[Asked, int], list[Passage]] = {}
        self.store = KnowledgeStore(folder.with_suffix(".db"))
        Importer(self.store, embedder, 1 << 30).run([folder])
        self.lexical = LexicalIndex(self.store)
        scan = VectorScan(self.store, embedder.model_id, embedder.dimensions)
        self.lexical.refresh()
        scan.refresh()
        self.retriever = Retriever(self.store, self.lexical, scan)

    def question(self, asked: Asked) -> Question:
        return take_apart(" ".join(asked.text.split()), self.lexical.idf)

    def found(self, asked: Asked, top: int = 3) -> list[Passage]:
        """The best passages; the model of passages has to be fitted before."""
        if (asked, top) not in self._found:
            found = self.retriever.search(self.question(asked), self.vector(asked), top)
            self._found[asked, top] = found
        return self._found[asked, top]

    def vector(self, asked: Asked) -> Callable[[], Vectors]:
        return lambda: self.embedder.embed([asked.text])[0]


class Table:
    """Rows of features with labels."""

    def __init__(self) -> None:
        self.rows: list[dict[str, float]] = []
        self.labels: list[float] = []
        self.groups: list[str] = []
        self.kinds: list[str] = []
        self.readings: list[tuple[Asked, Reading | None]] = []

    def add(
        self,
        features: dict[str, float],
        label: bool,
        asked: Asked,
        reading: Reading | None = None,
    ) -> None:
        self.rows.append(features)
        self.readings.append((asked, reading))
        self.labels.append(float(label))
        self.groups.append(asked.group)
        self.kinds.append(asked.kind)


def fit(features: Array, labels: Array, ridge: float = 2.0) -> tuple[float, Array]:
    """Logistic regression by Newton's method on standardised features."""
    mean, spread = features.mean(axis=0), features.std(axis=0)
    spread[spread < 1e-9] = np.inf  # a constant says nothing: weight 0
    design = np.hstack([np.ones((len(features), 1)), (features - mean) / spread])
    penalty = np.eye(design.shape[1]) * ridge
    penalty[0, 0] = 0
    beta = np.zeros(design.shape[1])
    for _ in range(30):
        chance = 1 / (1 + np.exp(-design @ beta))
        slope = design.T @ (labels - chance) - penalty @ beta
        curve = (design * (chance * (1 - chance))[:, None]).T @ design + penalty
        step = np.linalg.solve(curve, slope)
        beta += step
        if np.abs(step).max() < 1e-4:
            break
    weights = beta[1:] / spread
    return float(beta[0] - weights @ np.where(np.isfinite(spread), mean, 0)), weights


def auc(scores: Array, labels: Array) -> float:
    """Chance that a right one scores above a wrong one."""
    ranks = np.empty(len(scores))
    ranks[np.argsort(scores)] = np.arange(len(scores))
    right = labels.sum()
    wrong = len(labels) - right
    return float((ranks[labels == 1].sum() - right * (right - 1) / 2) / max(right * wrong, 1))


def learn(name: str, table: Table) -> Array:
    """Fit one model, print its cross-validated quality and write it into the weights file.

    Returns the probability of each row, from a fit without its article.
    """
    names = sorted({key for row in table.rows for key in row})
    features = np.array([[row.get(key, 0.0) for key in names] for row in table.rows])
    labels, kinds = np.array(table.labels), np.array(table.kinds)
    groups = sorted(set(table.groups))
    folds = np.array([groups.index(group) % FOLDS for group in table.groups])
    scores = np.zeros(len(labels))
    for fold in range(FOLDS):
        bias, weights = fit(features[folds != fold], labels[folds != fold])
        scores[folds == fold] = bias + features[folds == fold] @ weights
    print(f"{name}: {len(labels)} rows, {labels.mean():.1%} right, AUC {auc(scores, labels):.3f}")
    for kind in ("tricky", "outside"):
        chosen = (kinds == kind) | (labels == 1)
        if (kinds == kind).any():
            print(f"  right against {kind}: AUC {auc(scores[chosen], labels[chosen]):.3f}")
    bias, weights = fit(features, labels)
    kept = {
        key: round(float(weight), 4)
        for key, weight in zip(names, weights, strict=True)
        if abs(weight) > 1e-6
    }
    known = json.loads(WEIGHTS.read_text()) if WEIGHTS.exists() else {}
    known[name] = {"bias": round(bias, 4), "weights": kept}
    WEIGHTS.parent.mkdir(exist_ok=True)
    WEIGHTS.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")
    logistic.fitted.cache_clear()
    return 1 / (1 + np.exp(-scores))
