import json
import os
import shutil
import sqlite3
import threading

import pytest

from edgebot.core.errors import StoreError
from edgebot.knowledge.contents import export_passages, statistics
from edgebot.knowledge.forget import forget
from edgebot.knowledge.import_lock import import_lock
from edgebot.knowledge.ingest import ImportBusy, Importer, sync_shipped
from edgebot.knowledge.store import KnowledgeStore


def passages(store):
    return [row[0] for row in store.query("SELECT text FROM passages ORDER BY id")]


def test_files_and_folders_come_in_once(bring, store, folder, encoder):
    (folder / "sub").mkdir()
    (folder / "a.md").write_text("# Tea\n\nGreen tea wants eighty degrees.")
    (folder / "sub" / "b.txt").write_text("The cellar light is broken.")
    (folder / "README.md").write_text("about this folder")
    (folder / "photo.jpg").write_bytes(b"\xff\xd8")
    (folder / ".hidden.md").write_text("hidden")
    report = bring(folder)
    assert (report.added, report.passages, report.skipped, report.failed) == (2, 2, 1, {})
    count = len(encoder.encoded)
    again = bring(folder, folder / "a.md")
    assert (again.added, again.changed, again.unchanged) == (0, 0, 2)
    assert len(encoder.encoded) == count
    assert sorted(passages(store)) == [
        "Green tea wants eighty degrees.",
        "The cellar light is broken.",
    ]


def test_a_change_encodes_only_what_is_new(bring, store, folder, encoder):
    sections = [f"## Part {n}\n\nPart {n} is about topic {n}." for n in range(5)]
    (folder / "a.md").write_text("# Doc\n\n" + "\n\n".join(sections))
    bring(folder)
    encoder.encoded.clear()
    sections[2] = "## Part 2\n\nPart two is about something else."
    (folder / "a.md").write_text("# Doc\n\n" + "\n\n".join(sections))
    report = bring(folder)
    assert (report.changed, report.passages) == (1, 1)
    assert encoder.encoded == ["Doc. Part 2. Part two is about something else."]
    ordered = store.query("SELECT text FROM passages ORDER BY position")
    assert [row[0].split()[1] for row in ordered] == ["0", "1", "two", "3", "4"]
    assert store.query(
        "SELECT count(*) FROM passages_fts WHERE passages_fts MATCH '\"topic 2\"'"
    ) == [(0,)]


def test_vanished_files_go_and_others_stay(bring, store, folder, tmp_path):
    other = tmp_path / "other.txt"
    other.write_text("Somewhere else.")
    (folder / "a.txt").write_text("Here today.")
    bring(folder, other)
    (folder / "a.txt").unlink()
    assert bring(folder).removed == 1
    assert passages(store) == ["Somewhere else."]


def test_a_file_that_becomes_unreadable_keeps_what_was_known(bring, store, folder):
    file = folder / "a.yaml"
    file.write_text("title: A\npairs: [{q: Who, a: Me.}]")
    bring(folder)
    file.write_text("pairs: [")
    report = bring(folder)
    assert list(report.failed) == [str(file)]
    assert (report.removed, passages(store)) == (0, ["Me."])


def test_each_failure_is_named_and_the_rest_comes_in(bring, store, folder):
    (folder / "binary.txt").write_bytes(bytes(range(256)) * 10)
    (folder / "broken.pdf").write_bytes(b"%PDF-1.4")
    (folder / "big.txt").write_bytes(b"word " * 300_000)
    (folder / "gone.txt").symlink_to(folder / "nowhere.txt")
    os.mkfifo(folder / "pipe.txt")
    (folder / "good.txt").write_text("All is well.")
    told = []
    report = bring(folder, failed=lambda source, reason: told.append(source))
    assert passages(store) == ["All is well."]
    reasons = {source.rsplit("/", 1)[1]: reason for source, reason in report.failed.items()}
    assert "binary data" in reasons["binary.txt"]
    assert "broken" in reasons["broken.pdf"]
    assert "knowledge.max_file_mb" in reasons["big.txt"]
    assert "link to nothing" in reasons["gone.txt"]
    assert "no regular file" in reasons["pipe.txt"]
    assert {one.rsplit("/", 1)[1] for one in told} == {"binary.txt", "broken.pdf", "big.txt"}


def test_a_huge_sparse_file_is_refused_without_being_read(bring, folder):
    with (folder / "huge.md").open("wb") as file:
        file.truncate(200_000_000)
    assert "200 MB" in bring(folder).failed[str(folder / "huge.md")]


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_unreadable_files_are_named(bring, folder):
    (folder / "secret.txt").write_text("x")
    (folder / "secret.txt").chmod(0)
    assert "cannot be read" in bring(folder).failed[str(folder / "secret.txt")]


def test_link_loops_end_and_linked_folders_are_read(bring, store, folder, tmp_path):
    (folder / "a.txt").write_text("Inside.")
    (folder / "loop").symlink_to(folder)
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "b.txt").write_text("Outside.")
    (elsewhere / "back").symlink_to(folder)
    (folder / "link").symlink_to(elsewhere)
    bring(folder)
    assert sorted(passages(store)) == ["Inside.", "Outside."]


def test_names_that_are_no_utf_8(bring, store, folder):
    (folder / os.fsdecode(b"caf\xe9.txt")).write_text("Strange name.")
    assert bring(folder).failed == {}
    assert store.documents()[0]["source"].endswith("caf\\xe9.txt")
    assert bring(folder).unchanged == 1


def test_an_empty_folder_is_no_failure(bring, folder):
    report = bring(folder)
    assert (report.added, report.failed) == (0, {})


def test_an_import_that_was_killed_goes_on_where_it_was(store, folder, encoder):
    text = "\n\n".join(f"Paragraph number {n} " + f"word{n} " * 30 for n in range(400))
    (folder / "long.txt").write_text(text)

    class Killed(Exception):
        pass

    def die(_bytes, _name):
        if len(store.query("SELECT id FROM passages")) >= 128:
            raise Killed

    with pytest.raises(Killed):
        Importer(store, encoder, 1_000_000).run([folder], die)
    half = len(store.query("SELECT id FROM passages"))
    assert 0 < half < 400
    assert statistics(store)["unfinished"] == [str(folder / "long.txt")]
    encoder.encoded.clear()
    Importer(store, encoder, 1_000_000).run([folder])
    assert len(encoder.encoded) == 400 - half
    assert statistics(store)["unfinished"] == []
    positions = store.query("SELECT position FROM passages ORDER BY position")
    assert [row[0] for row in positions] == list(range(400))


def test_a_full_disk_keeps_what_was_finished_and_says_what_to_do(store, folder, encoder):
    for number in range(40):
        words = " ".join(f"w{number}x{n}" for n in range(500))
        (folder / f"{number:02}.txt").write_text(words)
    (pages,) = store.query("PRAGMA page_count")[0]
    store.query(f"PRAGMA max_page_count = {pages + 60}")
    with pytest.raises(StoreError, match="make room on the disk"):
        Importer(store, encoder, 1_000_000).run([folder])
    assert store.query("PRAGMA integrity_check") == [("ok",)]
    store.query("PRAGMA max_page_count = 1000000")
    Importer(store, encoder, 1_000_000).run([folder])
    assert len(store.documents()) == 40
    assert statistics(store)["unfinished"] == []


def test_two_imports_take_turns(store, folder, encoder):
    (folder / "a.txt").write_text("One.")
    waited = threading.Event()
    with import_lock(store.path, lambda: None):
        worker = threading.Thread(
            target=lambda: Importer(store, encoder, 1000).run([folder], waiting=waited.set)
        )
        worker.start()
        assert waited.wait(10)
        assert store.documents() == []
    worker.join(10)
    assert len(store.documents()) == 1


def test_shipped_documents_are_looked_at_by_date_and_do_not_wait(store, folder, encoder):
    (folder / "a.txt").write_text("Shipped text.")
    with import_lock(store.path, lambda: None), pytest.raises(ImportBusy):
        sync_shipped(store, encoder, folder, 1000)
    assert sync_shipped(store, encoder, folder, 1000).added == 1
    assert sync_shipped(store, encoder, folder, 1000) is None
    (folder / "a.txt").write_text("Shipped text, mended.")
    assert sync_shipped(store, encoder, folder, 1000).changed == 1
    assert store.documents()[0]["origin"] == "shipped"


def test_shipped_documents_that_moved_are_not_read_again(store, tmp_path, encoder):
    old, new = tmp_path / "release-a" / "knowledge", tmp_path / "release-b" / "knowledge"
    for name in ("facts/a.txt", "house/b.txt"):
        (old / name).parent.mkdir(parents=True)
        (old / name).write_text(f"What {name} says.")
    sync_shipped(store, encoder, old, 1000)
    forget(store, [one for one in store.documents() if one["title"] == "A"], old)
    shutil.copytree(old, new)
    encoder.encoded.clear()
    report = sync_shipped(store, encoder, new, 1000)
    assert report is not None and (report.added, report.removed) == (0, 0)
    assert encoder.encoded == []
    assert [one["source"] for one in store.documents()] == [str(new / "house/b.txt")]


def test_another_encoder_encodes_what_is_there_anew(bring, store, folder, encoder):
    (folder / "a.txt").write_text("Some text.")
    bring(folder)
    encoder.model_id = "another"
    encoder.encoded.clear()
    assert bring(folder).unchanged == 1
    assert encoder.encoded == ["A. Some text."]
    assert store.query("SELECT model FROM embeddings") == [("another",)]


def test_a_damaged_file_and_a_newer_one_say_what_to_do(tmp_path):
    damaged = tmp_path / "knowledge.db"
    damaged.write_bytes(b"this is no database at all" * 100)
    with pytest.raises(StoreError, match="move the file away"):
        KnowledgeStore(damaged)
    newer = tmp_path / "newer.db"
    with sqlite3.connect(newer) as connection:
        connection.execute("PRAGMA user_version = 99")
    with pytest.raises(StoreError, match="newer edgebot"):
        KnowledgeStore(newer)


def test_an_export_imports_as_what_it_was(bring, store, folder, encoder, tmp_path):
    (folder / "tea.md").write_text("# Tea\n\n## Green\n\nWants 80 °C.\n\n## Black\n\nBoils.")
    (folder / "bins.yaml").write_text(
        "title: Bins\npairs: [{q: [When, Which day], a: Tuesday., source: town}]"
    )
    bring(folder)

    def rows(of):
        dropped = ("id", "source")
        return [{k: v for k, v in one.items() if k not in dropped} for one in export_passages(of)]

    backup = tmp_path / "backup.jsonl"
    backup.write_text("\n".join(json.dumps(one) for one in export_passages(store)))
    other = KnowledgeStore(tmp_path / "other" / "knowledge.db")
    assert Importer(other, encoder, 1_000_000).run([backup]).passages == 3
    assert sorted(rows(other), key=str) == sorted(rows(store), key=str)
    other.close()


def test_the_tables_read_well_with_sqlite_utils(bring, store, folder):
    import sqlite_utils

    (folder / "a.md").write_text("# Tea\n\nGreen tea wants eighty degrees.")
    bring(folder)
    db = sqlite_utils.Database(store.path)
    assert {"documents", "passages", "embeddings"} <= set(db.table_names())
    assert [row["text"] for row in db["passages"].search("teas")] == [
        "Green tea wants eighty degrees."
    ]
    db.close()
