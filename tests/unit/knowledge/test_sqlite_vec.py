"""The vectors in the file are those that sqlite-vec reads, and it finds what the scan finds."""

import apsw
import numpy as np
import pytest
import sqlite_vec

from edgebot.knowledge.vectors import VectorScan, quantised

NEAREST = """
SELECT passage_id, 1 - vec_distance_cosine(vec_int8(vector), vec_int8(?)) AS cosine
FROM embeddings WHERE model = ? ORDER BY cosine DESC, passage_id LIMIT ?
"""


def test_sqlite_vec_finds_the_same(bring, store, folder, encoder):
    words = np.random.default_rng(3).integers(0, 60, (40, 12))
    for number, row in enumerate(words):
        (folder / f"{number}.txt").write_text(" ".join(f"topic{word}" for word in row))
    bring(folder)
    scan = VectorScan(store, encoder.model_id, encoder.dimensions)
    scan.refresh()
    rows, _ = quantised(encoder.embed(["topic3 topic14 topic15", "topic59 topic26"]))
    reader = apsw.Connection(str(store.path), flags=apsw.SQLITE_OPEN_READONLY)
    reader.enable_load_extension(True)
    reader.load_extension(sqlite_vec.loadable_path())
    for row in rows:
        unit = row.astype(np.float32) / np.linalg.norm(row.astype(np.float32))
        ours = scan.nearest(unit, 10)
        theirs = dict(reader.execute(NEAREST, (row.tobytes(), encoder.model_id, 10)))
        # Ours takes the length of a stored vector as one, which it was before it was rounded.
        assert list(theirs)[:3] == list(ours)[:3]
        assert len(theirs.keys() & ours.keys()) >= 9
        for passage in theirs.keys() & ours.keys():
            assert theirs[passage] == pytest.approx(ours[passage], abs=0.01)
    reader.close()
