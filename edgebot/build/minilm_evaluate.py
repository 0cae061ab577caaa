"""Evaluators of sentence encoders: likeness to the source, intents told, passages found."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from typing import Any, ClassVar

import numpy as np
from pydantic import Field

from edgebot.build.evaluator import SOURCE, Evaluator, Trial
from edgebot.build.intent_split import Rows, split
from edgebot.build.minilm_open import open_encoder
from edgebot.build.onnx_quant_feeds import sentences
from edgebot.build.step import Parameters
from edgebot.core.embedding import Embedder, Vectors
from edgebot.core.errors import UsageError
from edgebot.nlu.classifier.data_file import read_labelled
from edgebot.nlu.classifier.embedding import embed_once
from edgebot.nlu.classifier.linear import train_head
from edgebot.nlu.classifier.model import DENSE_SCALE, OUT_OF_SCOPE
from edgebot.nlu.classifier.ngrams import NgramFeatures
from edgebot.nlu.classifier.own import collect
from edgebot.nlu.sentence_files import own_sentences

OWN = "own"

_LIBRARIES = ("numpy", "onnxruntime", "tokenizers")


class CosineParameters(Parameters):
    """What ``encoder-cosine`` takes."""

    text: str = "held"
    """The text whose sentences are compared."""

    sentences: int = Field(default=200, ge=2, le=5000)
    """How many of them."""


class EncoderCosine(Evaluator[CosineParameters]):
    """How near the vectors are to those of the source."""

    name = "encoder-cosine"
    takes = "any"
    libraries: ClassVar[tuple[str, ...]] = _LIBRARIES
    better: ClassVar[dict[str, str]] = {
        "cosine_mean": "high",
        "cosine_least": "high",
        "relation": "high",
    }
    schema = CosineParameters

    def run(self, trial: Trial) -> dict[str, float]:
        """``relation``: correlation of the two similarity matrices.

        ``cosine_mean`` and ``cosine_least`` only where both have the same number of dimensions.
        """
        found = sentences(trial.texts, self.parameters.text, self.parameters.sentences)
        both = (trial.artefact, trial.source)
        ours, theirs = (open_encoder(each, trial.scratch).embed(found) for each in both)
        above = np.triu_indices(len(found), 1)
        likeness = [(vectors @ vectors.T)[above] for vectors in (ours, theirs)]
        figures = {"relation": float(np.corrcoef(likeness)[0, 1])}
        if ours.shape == theirs.shape:
            cosines = np.sum(ours * theirs, axis=1)
            figures |= {"cosine_mean": float(cosines.mean()), "cosine_least": float(cosines.min())}
        return figures


class IntentParameters(Parameters):
    """What ``intents`` takes."""

    text: str | None = None
    """Labelled texts: ``text`` and ``intent``, as JSON lines or tab-separated. None: the examples
    of the assistant's own classifier, called ``own``."""

    held_out: int = Field(default=10, ge=2, le=20)
    """One text in so many is not trained on but judged, of each intent alike."""

    most: int = Field(default=100_000, ge=50)
    """At most so many texts, drawn by chance."""


class Intents(Evaluator[IntentParameters]):
    """Accuracy of the intent classifier's head (n-grams and vectors) on texts it has not seen.

    The same split, n-grams and seed for both encoders: what differs is the vectors.
    """

    name = "intents"
    takes = "any"
    revision = 2
    libraries: ClassVar[tuple[str, ...]] = _LIBRARIES
    schema = IntentParameters

    def run(self, trial: Trial) -> dict[str, float]:
        """``<text>_accuracy``, the same of the source, and ``<text>_lost``: points lost.

        ``<text>_gained``: points over a classifier that has n-grams alone and no encoder.
        """
        want = self.parameters
        rows: Rows = []
        for path in trial.texts.paths(want.text) if want.text else ():
            labelled = read_labelled(path)
            rows += zip(labelled.texts, labelled.intents, strict=True)
        known, new = split(rows, want.held_out, want.most) if want.text else own(want.held_out)
        both = (trial.artefact, trial.source)
        encoders: list[Embedder] = [open_encoder(each, trial.scratch) for each in both]
        encoders.append(Nothing())
        ours, theirs, without = accuracies(known, new, encoders)
        name = want.text or OWN
        return {
            f"{name}_accuracy": ours,
            f"{SOURCE}{name}_accuracy": theirs,
            f"{name}_lost": 100.0 * (theirs - ours),
            f"{name}_gained": 100.0 * (ours - without),
        }


class Nothing:
    """An encoder that says nothing: what is left is n-grams."""

    model_id, dimensions = "nothing", 1

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Zeros, shape (len(texts), 1)."""
        return np.zeros((len(texts), 1), np.float32)

    def close(self) -> None:
        """Nothing to free."""


def own(held_out: int) -> tuple[Rows, Rows]:
    """The assistant's own examples; those of one template are trained on or judged together."""
    examples = collect(own_sentences("en"), own=True)
    order = sorted(set(examples.groups))
    random.Random(7).shuffle(order)
    judged = {group for at, group in enumerate(order) if at % held_out == 0}
    parts: tuple[Rows, Rows] = ([], [])
    for text, intent, group in zip(examples.texts, examples.intents, examples.groups, strict=True):
        if intent != OUT_OF_SCOPE:
            parts[group in judged].append((text, intent))
    return parts


def accuracies(
    known: Sequence[tuple[str, str]],
    new: Sequence[tuple[str, str]],
    encoders: Sequence[Embedder],
    seed: int = 0,
) -> list[float]:
    """Accuracy on ``new`` of a head trained on ``known`` with each of ``encoders``."""
    intents = sorted({intent for _, intent in known})
    number = {intent: at for at, intent in enumerate(intents)}
    labels = np.array([number[intent] for _, intent in known], np.int32)
    expected = np.array([number.get(intent, -1) for _, intent in new])
    texts, unseen = [text for text, _ in known], [text for text, _ in new]
    grams = NgramFeatures.fit(texts)
    rows, test = [grams.row(text) for text in texts], [grams.row(text) for text in unseen]
    found = []
    for encoder in encoders:
        vectors, other = (
            DENSE_SCALE * embed_once(each, encoder, lambda done: None) for each in (texts, unseen)
        )
        head = train_head(rows, vectors, labels, (len(grams), len(intents)), seed=seed)
        right = head.logits(test, other).argmax(axis=1) == expected
        found.append(float(right.mean()))
    return found


class RetrievalParameters(Parameters):
    """What ``retrieval`` takes."""

    text: str
    """Files of JSON lines: passages (``pid``, ``text``) and questions (``pid``, ``question``)."""

    questions: int = Field(default=300, ge=10, le=20_000)
    """How many of the questions, spread evenly."""


class Retrieval(Evaluator[RetrievalParameters]):
    """Share of questions whose passage is among the nearest by vectors alone."""

    name = "retrieval"
    takes = "any"
    libraries: ClassVar[tuple[str, ...]] = _LIBRARIES
    better: ClassVar[dict[str, str]] = {"recall_at_1": "high", "recall_at_5": "high"}
    schema = RetrievalParameters

    def run(self, trial: Trial) -> dict[str, float]:
        """``recall_at_1`` and ``recall_at_5``, the same of the source, ``recall_at_5_lost``."""
        passages: dict[str, str] = {}
        asked: list[tuple[str, str]] = []
        for path in trial.texts.paths(self.parameters.text):
            for row in map(json.loads, path.read_text(encoding="utf-8").splitlines()):
                if "question" in row:
                    asked.append((row["question"], str(row["pid"])))
                else:
                    passages[str(row["pid"])] = row["text"]
        asked = [row for row in asked if row[1] in passages]
        if not asked:
            raise UsageError(
                f"the text {self.parameters.text!r} has no question with a passage; name both files"
            )
        at = np.linspace(0, len(asked) - 1, min(len(asked), self.parameters.questions))
        chosen = [asked[int(each)] for each in at]
        figures: dict[str, float] = {}
        for prefix, artefact in (("", trial.artefact), (SOURCE, trial.source)):
            ranks = _ranks(open_encoder(artefact, trial.scratch), passages, chosen)
            for most in (1, 5):
                figures[f"{prefix}recall_at_{most}"] = float(np.mean(ranks < most))
        lost = figures[f"{SOURCE}recall_at_5"] - figures["recall_at_5"]
        return {**figures, "recall_at_5_lost": 100.0 * lost}


def _ranks(encoder: Embedder, passages: dict[str, str], asked: list[tuple[str, str]]) -> Any:
    """How many other passages are as near as the right one or nearer, for each question."""
    names = list(passages)
    nearness = (
        encoder.embed([text for text, _ in asked])
        @ encoder.embed([passages[name] for name in names]).T
    )
    right = np.array([names.index(pid) for _, pid in asked])
    own_nearness = nearness[np.arange(len(asked)), right][:, None]
    return (nearness >= own_nearness - 1e-6).sum(axis=1) - 1
