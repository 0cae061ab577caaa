"""A knowledge base over a made-up encoder: texts are near when they share stems."""

import re
import zlib

import numpy as np
import pytest

from edgebot.core.embedding import TokenVectors
from edgebot.knowledge.base import SqliteKnowledgeBase
from edgebot.knowledge.ingest import Importer
from edgebot.knowledge.porter import stem
from edgebot.knowledge.store import KnowledgeStore


class StemEncoder:
    """Bags of stems as vectors; counts what it is asked to encode."""

    dimensions = 96

    def __init__(self, model_id="stems"):
        self.model_id = model_id
        self.encoded = []

    def _vector(self, word):
        draw = np.random.default_rng(zlib.crc32(stem(word.lower()).encode()))
        return draw.standard_normal(self.dimensions).astype(np.float32)

    def embed(self, texts):
        self.encoded += texts
        rows = [
            sum((self._vector(word) for word in re.findall(r"\w+", text)), np.full(96, 1e-3))
            for text in texts
        ]
        rows = np.array(rows, np.float32).reshape(-1, self.dimensions)
        return rows / np.linalg.norm(rows, axis=1, keepdims=True)

    def tokens(self, text):
        found = list(re.finditer(r"\w+", text))
        rows = np.array([self._vector(one[0]) for one in found], np.float32)
        rows = rows.reshape(-1, self.dimensions)
        lengths = np.linalg.norm(rows, axis=1, keepdims=True)
        return TokenVectors(rows / lengths, tuple(one.span() for one in found))

    def close(self):
        pass


@pytest.fixture
def encoder():
    return StemEncoder()


@pytest.fixture
def store(tmp_path):
    opened = KnowledgeStore(tmp_path / "state" / "knowledge.db")
    yield opened
    opened.close()


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "documents"
    path.mkdir()
    return path


@pytest.fixture
def bring(store, encoder):
    """Import paths; returns the report."""

    def run(*paths, max_bytes=1_000_000, **options):
        return Importer(store, encoder, max_bytes).run(paths, **options)

    return run


@pytest.fixture
def base(store, encoder):
    return SqliteKnowledgeBase(store, encoder, threshold=0.0)
