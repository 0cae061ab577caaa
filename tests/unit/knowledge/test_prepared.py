"""Documents whose passages were cut and encoded before: they are copied, and nothing is encoded."""

from pathlib import Path

import pytest

from edgebot.core.errors import StoreError
from edgebot.knowledge.ingest import Importer, sync_shipped
from edgebot.knowledge.prepared import PreparedPassages, export
from edgebot.knowledge.store import KnowledgeStore
from edgebot.knowledge.walk import find
from tests.unit.knowledge.conftest import StemEncoder

PAIRS = """\
pairs:
  - q: [Why is grass green, What makes grass green]
    a: Grass is green because of chlorophyll.
  - q: [Who painted the ceiling]
    a: Michelangelo painted it.
"""
LIMIT = 1_000_000


@pytest.fixture
def shipped(tmp_path):
    folder = tmp_path / "shipped"
    folder.mkdir()
    (folder / "boiler.md").write_text(
        "# Boiler\n\nTo bleed it, open the valve.\n\n## Parts\n\nA pump."
    )
    (folder / "facts.yaml").write_text(PAIRS)
    return folder


@pytest.fixture
def prepared(tmp_path, shipped, encoder):
    """Made in a store of its own, from the same documents in another place."""
    elsewhere = tmp_path / "maker"
    shipped.rename(elsewhere)
    store = KnowledgeStore(tmp_path / "maker.db")
    files = find([elsewhere]).files.values()
    Importer(store, encoder, LIMIT).run(files)
    folder = tmp_path / "prepared"
    assert export(store, files, encoder.model_id, folder) == 2
    store.close()
    elsewhere.rename(shipped)
    return PreparedPassages(folder)


def contents(store):
    passages = store.query(
        "SELECT d.title, d.format, d.content_hash, p.position, p.title, p.heading, p.text,"
        " p.question, e.model, e.scale, e.vector FROM documents d"
        " JOIN passages p ON p.document_id = d.id JOIN embeddings e ON e.passage_id = p.id"
        " ORDER BY d.source, p.position, e.id"
    )
    found = store.query("SELECT rowid FROM passages_fts WHERE passages_fts MATCH 'chlorophyll'")
    return passages, len(found)


def test_what_is_prepared_is_copied_and_comes_to_the_same(store, shipped, prepared, tmp_path):
    encoder = StemEncoder()
    report = sync_shipped(store, encoder, shipped, LIMIT, prepared)
    assert (report.added, report.passages, report.failed) == (2, 4, {})
    assert encoder.encoded == []
    plain = KnowledgeStore(tmp_path / "plain.db")
    sync_shipped(plain, StemEncoder(), shipped, LIMIT)
    assert contents(store) == contents(plain)
    plain.close()


@pytest.mark.parametrize("how", ["changed", "renamed", "other encoder", "damaged", "another kind"])
def test_what_is_not_the_same_is_read_and_encoded(store, shipped, prepared, tmp_path, how):
    encoder = StemEncoder("others" if how == "other encoder" else "stems")
    if how == "changed":
        (shipped / "facts.yaml").write_text(PAIRS.replace("chlorophyll", "chlorophyll alone"))
    elif how == "renamed":  # the name may be its title
        (shipped / "facts.yaml").rename(shipped / "figures.yaml")
    elif how in ("damaged", "another kind"):
        for file in (tmp_path / "prepared").iterdir():
            file.write_text('{"title": "x", "pass' if how == "damaged" else "[1]")
    report = sync_shipped(store, encoder, shipped, LIMIT, prepared)
    assert report.added == 2 and not report.failed
    assert any("chlorophyll" in text for text in encoder.encoded)
    assert contents(store)[1] == 1


def test_an_update_copies_what_is_new_and_leaves_the_rest(store, shipped, prepared):
    encoder = StemEncoder()
    (shipped / "facts.yaml").write_text(PAIRS.replace("Michelangelo", "Raphael"))
    sync_shipped(store, encoder, shipped, LIMIT, prepared)
    assert encoder.encoded
    encoder.encoded.clear()
    (shipped / "facts.yaml").write_text(PAIRS)  # the release whose documents were prepared
    report = sync_shipped(store, encoder, shipped, LIMIT, prepared)
    assert (report.changed, report.unchanged) == (1, 1)
    assert encoder.encoded == []
    texts = [row[0] for row in store.query("SELECT text FROM passages WHERE question != ''")]
    assert sorted(texts) == ["Grass is green because of chlorophyll.", "Michelangelo painted it."]


def test_the_same_documents_give_the_same_bytes(tmp_path, shipped, encoder):
    folders = []
    for name in ("one", "two"):
        store = KnowledgeStore(tmp_path / f"{name}.db")
        files = find([shipped]).files.values()
        Importer(store, encoder, LIMIT).run(files)
        export(store, files, encoder.model_id, tmp_path / name)
        store.close()
        folders.append({p.name: p.read_bytes() for p in (tmp_path / name).iterdir()})
    assert folders[0] == folders[1]


def test_what_was_not_imported_whole_is_not_exported(store, shipped, tmp_path):
    with pytest.raises(StoreError, match="was not imported whole"):
        export(store, [shipped / "boiler.md"], "stems", tmp_path / "out")
    assert not list(Path(tmp_path / "out").glob("*"))
