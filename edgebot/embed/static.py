"""Sentence embeddings without a network: each piece of a word has a vector, a text is their mean.

Made from a sentence transformer by ``edgebot build`` (docs/build-onnx.md): some eight megabytes and
a fraction of the time. What is lost is what hangs on the order of words, but for that of neighbours
where the student was taught to look at them. The recipe is that of model2vec (Tulkens and van
Dongen, 2024, https://github.com/MinishLab/model2vec).
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edgebot.core.embedding import TokenVectors, Vectors
from edgebot.core.errors import ModelCorrupt
from edgebot.embed.safetensors_file import read_safetensors

MAX_TOKENS = 512
"""What lies behind in a text is not seen."""

ROWS, SCALES = "vectors", "scales"
"""Tensors of the file: int8 (pieces, dimensions), and float32 (pieces,) that a row is times."""

TAPS, BIAS, MIX = CONTEXT = ("taps", "bias", "mix")
"""Float32, where pieces look at their neighbours: (rank, 3 × dimensions), (rank,) and
(dimensions, rank). To each piece ``mix · relu(taps · [left, piece, right] + bias)`` is added."""


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
        self._context = _context(model, [tensors.get(name) for name in CONTEXT], rows.shape[1])
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
            vectors[number] = _unit(self._seen(encoded.ids or [self._unknown]).sum(axis=0))
        return vectors

    def tokens(self, text: str) -> TokenVectors:
        """The pieces of ``text``; their vectors know their neighbours at most."""
        encoded = self._tokenizer.encode(_clean(text), add_special_tokens=False)
        vectors = self._seen(encoded.ids)
        lengths = np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
        return TokenVectors(np.asarray(vectors / lengths, np.float32), tuple(encoded.offsets))

    def close(self) -> None:
        """Nothing to free: the vectors are mapped from the file."""

    @property
    def _unknown(self) -> int:
        found = self._tokenizer.token_to_id("[UNK]")
        return 0 if found is None else int(found)

    def _seen(self, ids: Sequence[int]) -> Vectors:
        rows = self._scaled(ids)
        if self._context is None or not len(rows):
            return rows
        taps, bias, mix = self._context
        padded = np.zeros((len(rows) + 2, rows.shape[1]), np.float32)
        padded[1:-1] = rows
        windows = np.concatenate([padded[:-2], rows, padded[2:]], axis=1)
        seen: Vectors = rows + np.maximum(windows @ taps.T + bias, 0.0) @ mix.T
        return seen

    def _scaled(self, ids: Sequence[int]) -> Vectors:
        found: Vectors = self._rows[ids].astype(np.float32) * self._scales[ids][:, None]
        return found


_AGAIN = "run `edgebot models verify`, or build it again"


def _context(
    model: Path, found: Sequence[npt.NDArray[np.generic] | None], width: int
) -> tuple[Vectors, Vectors, Vectors] | None:
    if all(each is None for each in found):
        return None
    wrong = ModelCorrupt(f"{model}: damaged ({', '.join(CONTEXT)} do not fit {ROWS}); {_AGAIN}")
    if any(each is None for each in found):
        raise wrong
    taps, bias, mix = (np.ascontiguousarray(each, np.float32) for each in found if each is not None)
    rank = len(bias) if bias.ndim == 1 else -1
    if taps.shape != (rank, 3 * width) or mix.shape != (width, rank):
        raise wrong
    if not all(np.isfinite(each).all() for each in (taps, bias, mix)):
        raise wrong
    return taps, bias, mix


def _unit(vector: Vectors) -> Vectors:
    length = float(np.linalg.norm(vector))
    return np.asarray(vector / length if length > 0 else np.eye(1, len(vector))[0], np.float32)


def _clean(text: str) -> str:
    """``text`` without lone surrogates, which the tokenizer cannot take."""
    return text.encode("utf-8", errors="replace").decode("utf-8")
