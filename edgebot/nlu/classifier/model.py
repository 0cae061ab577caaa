"""A trained intent classifier, and the directory it is kept in."""

from __future__ import annotations

import hashlib
import io
import json
import os
import tempfile
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from edgebot.core.errors import UnderstandingError
from edgebot.nlu.classifier.linear import LinearHead
from edgebot.nlu.classifier.ngrams import Floats, NgramFeatures
from edgebot.nlu.classifier.scope import Certainty, Doubles, signs_of

OUT_OF_SCOPE = "oos"
"""The label of examples, and of answers, that belong to no intent."""

VERSION = 1
_WEIGHTS, _ABOUT = "weights.npz", "model.json"
DENSE_SCALE = 3.0
"""Length of the embedding beside the n-grams, whose words and pieces have length one each."""


@dataclass(frozen=True, slots=True)
class IntentModel:
    """Everything a text's intent is told from, but the sentence encoder."""

    intents: tuple[str, ...]
    features: NgramFeatures
    head: LinearHead
    means: Floats
    """Where the intents lie among the embeddings: unit vectors, shape (intents, dimensions)."""

    certainty: Certainty
    threshold: float
    """Score below which a text is out of scope."""

    embedder: str
    """Id of the sentence encoder it was trained with."""

    about: dict[str, Any]
    """How it was trained: counts and figures."""

    def logits(self, texts: Sequence[str], vectors: Floats) -> Floats:
        """Shape (texts, intents), or one more where strangers are a class of their own.

        ``vectors``: embeddings of ``texts``.
        """
        rows = [self.features.row(text) for text in texts]
        return self.head.logits(rows, DENSE_SCALE * vectors)

    def judge(self, texts: Sequence[str], vectors: Floats) -> tuple[Floats, Doubles]:
        """Chances of all intents (texts, intents) and the score of the best one (texts,)."""
        logits, intents = self.logits(texts, vectors), len(self.intents)
        signs = signs_of(logits[:, :intents], vectors, self.means)
        score = self.certainty.score(logits, intents, signs)
        return self.certainty.chances(logits, intents), score

    def save(self, directory: Path) -> None:
        """Write ``directory``; readers see the old model or the new one, never a mixture."""
        weights = _packed(self)
        about = {
            "version": VERSION,
            "kind": "edgebot intent classifier",
            "intents": list(self.intents),
            "threshold": self.threshold,
            "certainty": {
                "slope": self.certainty.slope,
                "offset": self.certainty.offset,
                "temperature": self.certainty.temperature,
            },
            "embedder": self.embedder,
            "weights_sha256": hashlib.sha256(weights).hexdigest(),
            "trained": self.about,
            "grams": self.features.grams,
        }
        try:
            directory.mkdir(parents=True, exist_ok=True)
            _write(directory / _WEIGHTS, weights)
            _write(directory / _ABOUT, json.dumps(about, ensure_ascii=False).encode())
        except OSError as error:
            reason = error.strerror or str(error)
            raise UnderstandingError(f"{directory}: cannot be written ({reason})") from None

    @classmethod
    def load(cls, directory: Path) -> IntentModel:
        """Read what :meth:`save` wrote.

        Raises ``UnderstandingError`` when the directory is missing, damaged or of another version.
        """
        again = "train it again with `edgebot nlu train`"
        try:
            about = json.loads((directory / _ABOUT).read_bytes())
            weights = (directory / _WEIGHTS).read_bytes()
        except FileNotFoundError as error:
            raise UnderstandingError(f"{error.filename}: there is no such model; {again}") from None
        except (OSError, ValueError) as error:
            raise UnderstandingError(f"{directory}: damaged ({error}); {again}") from None
        if not isinstance(about, dict) or about.get("version") != VERSION:
            found = about.get("version") if isinstance(about, dict) else None
            raise UnderstandingError(
                f"{directory}: is version {found}, this edgebot reads {VERSION}; {again}"
            )
        if about.get("weights_sha256") != hashlib.sha256(weights).hexdigest():
            raise UnderstandingError(f"{directory / _WEIGHTS}: damaged (wrong SHA-256); {again}")
        try:
            return _unpacked(about, weights)
        except (KeyError, ValueError, TypeError, EOFError, zipfile.BadZipFile) as error:
            raise UnderstandingError(f"{directory}: damaged ({error}); {again}") from None


def _packed(model: IntentModel) -> bytes:
    file = io.BytesIO()
    np.savez_compressed(
        file,
        idf=model.features.idf,
        sparse=model.head.sparse.astype(np.float16),  # a third digit is all that decides anything
        dense=model.head.dense,
        bias=model.head.bias,
        means=model.means,
        centre=model.certainty.centre,
        scale=model.certainty.scale,
    )
    return file.getvalue()


def _unpacked(about: dict[str, Any], weights: bytes) -> IntentModel:
    with np.load(io.BytesIO(weights), allow_pickle=False) as arrays:
        loaded = {name: arrays[name] for name in arrays.files}
    features = NgramFeatures(about["grams"], loaded["idf"])
    intents = tuple(about["intents"])
    classes = loaded["sparse"].shape[1] if loaded["sparse"].ndim == 2 else 0
    if len(loaded["sparse"]) != len(features) or classes - len(intents) not in (0, 1):
        raise ValueError("weights and vocabulary do not fit together")
    return IntentModel(
        intents=intents,
        features=features,
        head=LinearHead(loaded["sparse"], loaded["dense"], loaded["bias"]),
        means=loaded["means"],
        certainty=Certainty(
            loaded["centre"],
            loaded["scale"],
            float(about["certainty"]["slope"]),
            float(about["certainty"]["offset"]),
            float(about["certainty"]["temperature"]),
        ),
        threshold=float(about["threshold"]),
        embedder=str(about["embedder"]),
        about=dict(about["trained"]),
    )


def _write(path: Path, content: bytes) -> None:
    with tempfile.NamedTemporaryFile(
        dir=path.parent, prefix=f".{path.name}.", delete=False
    ) as file:
        try:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
            Path(file.name).chmod(0o644)
            Path(file.name).replace(path)
        except BaseException:
            Path(file.name).unlink(missing_ok=True)
            raise
