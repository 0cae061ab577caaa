"""Embeddings of many texts, with progress."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from edgebot.core.embedding import Embedder
from edgebot.nlu.classifier.linear import Progress
from edgebot.nlu.classifier.ngrams import Floats

_CHUNK = 256


def embed_once(texts: Sequence[str], embedder: Embedder, progress: Progress) -> Floats:
    """Embeddings of ``texts``, each different text worked on once, shape (texts, dimensions)."""
    distinct = sorted(set(texts), key=len)  # alike lengths together run fastest
    found = np.empty((len(distinct), embedder.dimensions), np.float32)
    counts = dict.fromkeys(distinct, 0)
    for text in texts:
        counts[text] += 1
    for start in range(0, len(distinct), _CHUNK):
        chunk = distinct[start : start + _CHUNK]
        found[start : start + len(chunk)] = embedder.embed(chunk)
        progress(sum(counts[text] for text in chunk))
    where = {text: index for index, text in enumerate(distinct)}
    return found[[where[text] for text in texts]]
