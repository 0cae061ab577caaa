"""Fits the models of the knowledge base: ``python -m benchmarks.fit_knowledge [MODEL …]``.

Writes ``edgebot/knowledge/data/weights.json`` and prints how well each model tells right from
wrong on articles it was not fitted on (five-fold cross-validation by article).
"""

from __future__ import annotations

import json
import sys
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks.knowledge import plain
from benchmarks.knowledge_data import (
    SETS,
    Asked,
    hold_out_pairs,
    outside,
    questions,
    write_passages,
)
from edgebot.config.loader import load_settings
from edgebot.core.embedding import TokenEmbedder, TokenVectors, Vectors
from edgebot.core.knowledge import Passage
from edgebot.knowledge import logistic
from edgebot.knowledge.align import align
from edgebot.knowledge.extract import Extractor, sentence_features
from edgebot.knowledge.features import Question, take_apart
from edgebot.knowledge.ingest import Importer
from edgebot.knowledge.lexical import LexicalIndex
from edgebot.knowledge.retrieve import Retriever, passage_features
from edgebot.knowledge.sentences import split_sentences
from edgebot.knowledge.short import span_features, spans
from edgebot.knowledge.store import KnowledgeStore
from edgebot.knowledge.vectors import VectorScan
from edgebot.runtime.wiring import Assembly

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
        return self.retriever.search(self.question(asked), self.vector(asked), top)

    def vector(self, asked: Asked) -> Callable[[], Vectors]:
        return lambda: self.embedder.embed([asked.text])[0]


class Table:
    """Rows of features with labels."""

    def __init__(self) -> None:
        self.rows: list[dict[str, float]] = []
        self.labels: list[float] = []
        self.groups: list[str] = []
        self.kinds: list[str] = []

    def add(self, features: dict[str, float], label: bool, asked: Asked) -> None:
        self.rows.append(features)
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


def learn(name: str, table: Table) -> None:
    """Fit one model, print its cross-validated quality and write it into the weights file."""
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


def right(asked: Asked, source: str, text: str) -> bool:
    """Whether ``text`` of ``source`` holds an answer."""
    return source == asked.source and any(answer in text for answer in asked.answers)


def passages(base: Base, table: Table) -> None:
    for asked in base.asked:
        question = base.question(asked)
        if asked.kind == "tricky":
            continue  # their passage is the right place to look: nothing to learn about places
        for one in base.retriever.candidates(question, base.vector(asked), 16):
            label = right(asked, Path(one.row.source).stem, one.row.text)
            table.add(passage_features(question, one), label, asked)


def sentences(base: Base, table: Table) -> None:
    for asked in base.asked:
        for passage in base.found(asked, 2) if asked.kind == "answerable" else []:
            if passage.question or Path(passage.source).stem != asked.source:
                continue
            question = base.question(asked)
            pieces = base.embedder.tokens(question.text)
            aligned = align(question, pieces, passage.text, base.embedder.tokens(passage.text))
            for _, sentence, features in sentence_features(question, passage, aligned):
                table.add(features, right(asked, asked.source, sentence), asked)


def answers(pairs: bool) -> Callable[[Base, Table], None]:
    def collect(base: Base, table: Table) -> None:
        extractor = Extractor(base.embedder)
        for asked in base.asked:
            found = [one for one in base.found(asked, 2) if bool(one.question) == pairs]
            for reading in extractor.read(base.question(asked), found):
                source = Path(reading.passage.source).stem
                label = right(asked, source, reading.passage.text)
                table.add(reading.features, label, asked)

    return collect


def parts(base: Base, table: Table) -> None:
    """Every stretch of a sentence that holds the answer: is it the answer?"""
    for asked in base.asked:
        if asked.kind != "answerable":
            continue
        question = base.question(asked)
        (found,) = base.store.query(
            "SELECT p.text FROM passages p JOIN documents d ON d.id = p.document_id"
            " WHERE d.source LIKE ? AND p.question = '' AND instr(p.text, ?) LIMIT 1",
            (f"%/{asked.source}.md", asked.answers[0]),
        ) or [("",)]
        gold = {" ".join(plain(answer)) for answer in asked.answers}
        for sentence in split_sentences(found[0]):
            if not any(answer in sentence for answer in asked.answers):
                continue
            for words, span in spans(sentence):
                label = " ".join(plain(span.text)) in gold
                table.add(span_features(question, words, span), label, asked)
            break


def main() -> None:
    with tempfile.TemporaryDirectory() as name, Assembly(load_settings()) as assembly:
        embedder = Remembering(assembly.embedder())  # type: ignore[arg-type]
        folder = Path(name)
        bases = []
        for number, one in enumerate(SETS):
            write_passages(one, folder / one)
            asked = questions(one) + outside(400 if number == 0 else 100, seed=number)
            bases.append(Base(folder / one, asked, embedder))
        held = hold_out_pairs(folder / "shipped")
        bases.append(Base(folder / "shipped", held + outside(400, seed=7), embedder))
        neutral = {"bias": 0.0, "weights": {}}
        if not WEIGHTS.exists():
            WEIGHTS.parent.mkdir(exist_ok=True)
            blank = dict.fromkeys(("passage", "sentence", "answer", "pair"), neutral)
            WEIGHTS.write_text(json.dumps(blank))
        steps = {
            "passage": passages,
            "sentence": sentences,
            "answer": answers(pairs=False),
            "pair": answers(pairs=True),
            "span": parts,
        }
        steps = {name: step for name, step in steps.items() if name in (sys.argv[1:] or steps)}
        for model, collect in steps.items():
            table = Table()
            for base in bases:
                collect(base, table)
            learn(model, table)


if __name__ == "__main__":
    main()
