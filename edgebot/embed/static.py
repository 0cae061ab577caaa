"""Sentence embeddings without a network: each piece of a word has a vector, a text is their mean.

Made from a sentence transformer by ``edgebot build`` (docs/build-onnx.md): some eight megabytes and
a hundredth of the time. What is lost is everything that hangs on the order of words. The recipe is
that of model2vec (Tulkens and van Dongen, 2024, https://github.com/MinishLab/model2vec).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from edgebot.core.embedding import TokenVectors, Vectors
from edgebot.core.errors import ModelCorrupt
from edgebot.embed.safetensors_file import read_safetensors

MAX_TOKENS = 512
"""What lies behind in a text is not seen."""

ROWS, SCALES = "vectors", "scales"
"""Tensors of the file: int8 (pieces, dimensions), and float32 (pieces,) that a row is times."""


class StaticEncoder:
    """Safe to use from several threads: nothing in it changes."""

    def __init__(
        self, model: Path, tokenizer: Path, threads: int = 1, model_id: str = "minilm-l6-v2-static"
    ) -> None:
        """Load the safetensors ``model`` and its ``tokenizer.json``; ``threads`` is not needed.

        Raises ``ModelCorrupt`` when one of them cannot be read or they do not fit together.
        """
        from tokenizers import Tokenizer

        del threads
        self.model_id = model_id
        tensors, _ = read_safetensors(model)
        rows, scales = tensors.get(ROWS), tensors.get(SCALES)
        if rows is None or scales is None or rows.ndim != 2 or rows.dtype != np.int8:
            raise ModelCorrupt(f"{model}: no static sentence encoder; {_AGAIN}")
        if scales.shape != (len(rows),) or not np.isfinite(scales).all():
            raise ModelCorrupt(f"{model}: damaged ({SCALES} do not fit {ROWS}); {_AGAIN}")
        os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
        try:
            self._tokenizer: Any = Tokenizer.from_file(str(tokenizer))
        except Exception as error:  # the library raises a bare exception
            raise ModelCorrupt(f"{tokenizer}: cannot be read ({error}); {_AGAIN}") from error
        if self._tokenizer.get_vocab_size() > len(rows):
            raise ModelCorrupt(f"{tokenizer}: has more pieces than {model.name}; {_AGAIN}")
        self._tokenizer.no_padding()
        self._tokenizer.enable_truncation(MAX_TOKENS)
        self._rows, self._scales = rows, scales
        self.dimensions = int(rows.shape[1])

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors of ``texts``, shape (len(texts), dimensions), float32.

        A text without a single known piece gets the vector of the unknown piece.
        """
        vectors = np.zeros((len(texts), self.dimensions), np.float32)
        for number, text in enumerate(texts):
            encoded = self._tokenizer.encode(_clean(text), add_special_tokens=False)
            vectors[number] = _unit(self._scaled(encoded.ids or [self._unknown]).sum(axis=0))
        return vectors

    def tokens(self, text: str) -> TokenVectors:
        """The pieces of ``text``; their vectors know nothing of their places."""
        encoded = self._tokenizer.encode(_clean(text), add_special_tokens=False)
        vectors = self._scaled(encoded.ids)
        lengths = np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
        return TokenVectors(np.asarray(vectors / lengths, np.float32), tuple(encoded.offsets))

    def close(self) -> None:
        """Nothing to free: the vectors are mapped from the file."""

    @property
    def _unknown(self) -> int:
        found = self._tokenizer.token_to_id("[UNK]")
        return 0 if found is None else int(found)

    def _scaled(self, ids: Sequence[int]) -> Vectors:
        found: Vectors = self._rows[ids].astype(np.float32) * self._scales[ids][:, None]
        return found


_AGAIN = "run `edgebot models verify`, or build it again"


def _unit(vector: Vectors) -> Vectors:
    length = float(np.linalg.norm(vector))
    return np.asarray(vector / length if length > 0 else np.eye(1, len(vector))[0], np.float32)


def _clean(text: str) -> str:
    """``text`` without lone surrogates, which the tokenizer cannot take."""
    return text.encode("utf-8", errors="replace").decode("utf-8")
