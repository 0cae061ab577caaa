"""Sentence embeddings: the port."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

Vectors: TypeAlias = npt.NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class TokenVectors:
    """The pieces of a text, each with its meaning in its place."""

    vectors: Vectors
    """Unit vectors, shape (pieces, dimensions)."""

    spans: tuple[tuple[int, int], ...]
    """Where each piece stands in the text: characters from, to (exclusive)."""


class Embedder(Protocol):
    """A sentence encoder with its model loaded."""

    model_id: str
    dimensions: int

    def embed(self, texts: Sequence[str]) -> Vectors:
        """Unit vectors of ``texts``, shape (len(texts), dimensions), float32."""

    def close(self) -> None:
        """Free the model."""


class TokenEmbedder(Embedder, Protocol):
    """A sentence encoder that also tells what each piece of a text means."""

    def tokens(self, text: str) -> TokenVectors:
        """The pieces of ``text``; those behind the model's longest text are missing."""
