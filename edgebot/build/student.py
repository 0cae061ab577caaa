"""The step ``static-student``: vectors of word pieces made from a sentence transformer, in int8.

The recipe is that of model2vec (https://github.com/MinishLab/model2vec): let the teacher read each
piece of its vocabulary alone, keep the directions in which these differ most (PCA), and weigh each
piece by how rare it is (SIF; Arora, Liang and Ma, "A simple but tough-to-beat baseline for sentence
embeddings", 2017). With a text it goes on as tokenlearn does: the vectors are fitted so that the
mean over a sentence comes close to what the teacher makes of the sentence.
"""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import numpy.typing as npt
from pydantic import Field

from edgebot.build.intent_split import split
from edgebot.build.linear import Scheme, errors, quantize
from edgebot.build.onnx_quant_feeds import sentences
from edgebot.build.step import Job, Made, Seeded, Step, Texts
from edgebot.build.student_fit import Fitted, fit_pieces
from edgebot.build.student_teacher import Teacher
from edgebot.core.errors import EngineError, UnderstandingError
from edgebot.embed.safetensors_file import Array, write_safetensors
from edgebot.embed.static import BIAS, MIX, ROWS, SCALES, TAPS
from edgebot.nlu.classifier.data_file import read_labelled

Floats = npt.NDArray[np.float32]

_SPECIAL = re.compile(r"|\[[^\]]+\]")
"""[CLS], [unused7] and numbers that no piece has."""


class StudentParameters(Seeded):
    """What ``static-student`` takes."""

    dimensions: int = Field(default=256, ge=8, le=1024)
    """Numbers a piece."""

    sif: float = Field(default=1e-3, gt=0, le=1)
    """Pieces much more frequent than this share count for little."""

    text: str | None = None
    """Sentences the vectors are fitted to; None: the teacher reads pieces alone."""

    sentences: int = Field(default=20_000, ge=100, le=500_000)
    """How many of them at most."""

    held_out: tuple[int, ...] = ()
    """Of labelled texts leave those alone that ``intents`` judges with these ``held_out``: what a
    student was fitted to says nothing about it."""

    epochs: int = Field(default=8, ge=1, le=100)
    """How often each is looked at."""

    step: float = Field(default=2e-3, gt=0, le=1)
    """Adam's step for the vectors, in units of their mean length."""

    relation: float = Field(default=10.0, ge=0)
    """Weight of the loss between similarity matrices, beside that of the cosines."""

    context: int = Field(default=0, ge=0, le=1024)
    """Numbers by which each piece looks at its neighbours; none without a text. Needs torch."""


class StaticStudent(Step[StudentParameters]):
    """A sentence encoder without a network."""

    name = "static-student"
    takes = "onnx"
    makes = "static"
    libraries: ClassVar[tuple[str, ...]] = ("numpy", "onnxruntime", "tokenizers")
    schema = StudentParameters

    def run(self, job: Job) -> Made:
        """The vectors in int8, a scale a piece; the tokenizer is taken over."""
        want = self.parameters
        teacher = Teacher(job.artefact.file(), job.artefact.file("tokenizer"), job.threads)
        pieces = _pieces(json.loads(job.artefact.file("tokenizer").read_text(encoding="utf-8")))
        read = teacher.read_alone(len(pieces), job.progress)
        vectors = reduced(read, want.dimensions, used(pieces)) * sif(len(pieces), want.sif)[:, None]
        notes: dict[str, Any] = {"pieces": len(pieces)}
        tensors: dict[str, Array] = {}
        if want.text:
            found = unjudged(job.texts, want.text, want.sentences, want.held_out)
            fitted, tensors = self._fitted(job, teacher, vectors, found)
            vectors = fitted.vectors
            notes |= {"sentences": len(found), "curves": fitted.curves}
        vectors[~used(pieces)] = 0.0
        quantized = quantize(vectors, Scheme(8, sharing="channel", axis=0))
        notes["sqnr_db"] = round(errors(vectors, quantized.numbers()).sqnr_db, 2)
        tensors |= {
            ROWS: quantized.integers.astype(np.int8),
            SCALES: quantized.grid.scale[:, 0].astype(np.float32),
        }
        write_safetensors(job.folder / "model.safetensors", tensors, {"kind": "static encoder"})
        return Made({"model": "model.safetensors", **job.keep("tokenizer")}, notes)

    def _fitted(
        self, job: Job, teacher: Teacher, vectors: Floats, found: Sequence[str]
    ) -> tuple[Fitted, dict[str, Array]]:
        """Vectors with the curves of the losses, and the weights of the look at neighbours."""
        want = self.parameters
        encode = teacher.tokenizer.encode
        ids = [encode(text, add_special_tokens=False).ids for text in found]
        wanted = teacher.embed(found, job.progress)
        options: dict[str, Any] = {
            "epochs": want.epochs,
            "step": want.step,
            "relation": want.relation,
            "seed": want.seed,
            "progress": job.progress,
        }
        if not want.context:
            return fit_pieces(vectors, ids, wanted, **options), {}
        from edgebot.build.student_context import fit_with_context

        rows, seen, curves = fit_with_context(vectors, ids, wanted, rank=want.context, **options)
        return Fitted(rows, curves), {TAPS: seen.taps, BIAS: seen.bias, MIX: seen.mix}


def unjudged(texts: Texts, name: str, most: int, held_out: Sequence[int]) -> list[str]:
    """At most ``most`` sentences of the text ``name``, without what is held out of its files."""
    judged: set[str] = set()
    for path in texts.paths(name):
        labelled = _labelled(path) if path.suffix == ".jsonl" and held_out else []
        for one_in in held_out if labelled else ():
            judged |= {text.strip() for text, _ in split(labelled, one_in)[1]}
    found = [text for text in sentences(texts, name, 1 << 30) if text not in judged]
    if len(found) <= most:
        return found
    return [found[int(at)] for at in np.linspace(0, len(found) - 1, most)]


def _labelled(path: Path) -> list[tuple[str, str]]:
    try:
        found = read_labelled(path)
    except UnderstandingError:
        return []  # questions and the like
    return list(zip(found.texts, found.intents, strict=True))


def _pieces(tokenizer: dict[str, Any]) -> list[str]:
    """Piece of each number; raises ``EngineError`` for what is no WordPiece vocabulary."""
    try:
        vocabulary = {str(piece): int(at) for piece, at in tokenizer["model"]["vocab"].items()}
    except (KeyError, TypeError, AttributeError, ValueError):
        raise EngineError(
            "the tokenizer has no WordPiece vocabulary; a static student is made from a BERT"
        ) from None
    pieces = [""] * (max(vocabulary.values()) + 1)
    for piece, at in vocabulary.items():
        pieces[at] = piece
    return pieces


def used(pieces: Sequence[str]) -> npt.NDArray[np.bool_]:
    """Which of ``pieces`` can occur in a text."""
    return np.array([piece == "[UNK]" or not _SPECIAL.fullmatch(piece) for piece in pieces])


def reduced(vectors: Floats, dimensions: int, counted: npt.NDArray[np.bool_]) -> Floats:
    """The ``dimensions`` directions in which the ``counted`` vectors differ most (PCA)."""
    mean = vectors[counted].mean(axis=0)
    centred = np.asarray(vectors - mean, np.float64)
    _, directions = np.linalg.eigh(centred[counted].T @ centred[counted])
    kept = directions[:, ::-1][:, :dimensions]
    # The sign of an eigenvector is arbitrary: its largest number is positive here.
    kept = kept * np.sign(kept[np.abs(kept).argmax(axis=0), np.arange(kept.shape[1])])
    return np.asarray(centred @ kept, np.float32)


def sif(pieces: int, threshold: float) -> Floats:
    """Weight of each piece; vocabularies are sorted by frequency, which follows Zipf's law."""
    shares = 1.0 / np.arange(2, pieces + 2)
    shares /= shares.sum()
    return np.asarray(threshold / (threshold + shares), np.float32)
