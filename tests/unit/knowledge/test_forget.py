import pytest

from edgebot.core.errors import KnowledgeError
from edgebot.knowledge.forget import find_documents, forget
from edgebot.knowledge.ingest import sync_shipped


def _bytes_on_disk(store):
    files = [store.path, store.path.with_name(store.path.name + "-wal")]
    return b"".join(file.read_bytes() for file in files if file.exists())


def test_what_is_removed_is_gone_from_the_file_its_index_and_its_log(
    bring, store, folder, tmp_path
):
    (folder / "diary.md").write_text("# Diary\n\nThe password is xyzzyplugh, says Zaphodine.")
    (folder / "other.md").write_text("# Other\n\nThe garden needs water.")
    for number in range(30):
        (folder / f"more{number}.txt").write_text(f"Filler text {number} " * 50)
    bring(folder)
    before = _bytes_on_disk(store)
    assert b"xyzzyplugh" in before and b"zaphodin" in before
    forget(store, find_documents(store, [str(folder / "diary.md")]), tmp_path / "shipped")
    after = _bytes_on_disk(store)
    for trace in (b"xyzzyplugh", b"zaphodin", b"Zaphodine", b"Diary", b"diary"):
        assert trace not in after
    assert b"garden" in after
    assert store.query("PRAGMA integrity_check") == [("ok",)]
    assert store.query("SELECT count(*) FROM embeddings e LEFT JOIN passages p ON p.id ="
                       " e.passage_id WHERE p.id IS NULL") == [(0,)]  # fmt: skip


def test_a_vanished_file_leaves_no_trace_either(bring, store, folder):
    (folder / "a.txt").write_text("The word is abracadabrix.")
    (folder / "b.txt").write_text("Nothing.")
    bring(folder)
    (folder / "a.txt").unlink()
    bring(folder)
    assert b"abracadabrix" not in _bytes_on_disk(store)


def test_documents_are_named_by_number_file_folder_or_title(bring, store, folder):
    (folder / "a.md").write_text("# First\n\nA.")
    (folder / "b.md").write_text("# Second\n\nB.")
    bring(folder)
    number = store.documents()[0]["id"]
    assert [one["title"] for one in find_documents(store, [str(number)])] == ["First"]
    assert [one["title"] for one in find_documents(store, ["Second"])] == ["Second"]
    assert len(find_documents(store, [str(folder), str(number)])) == 2
    with pytest.raises(KnowledgeError, match="kb list"):
        find_documents(store, ["nothing"])


def test_shipped_documents_that_were_removed_stay_away_until_asked_for(
    bring, store, folder, encoder
):
    (folder / "a.txt").write_text("Shipped.")
    (folder / "b.txt").write_text("Shipped too.")
    sync_shipped(store, encoder, folder, 1000)
    forget(store, find_documents(store, [str(folder / "a.txt")]), folder)
    (folder / "b.txt").write_text("Shipped too, mended.")
    sync_shipped(store, encoder, folder, 1000)
    assert [one["title"] for one in store.documents()] == ["B"]
    assert bring(folder / "a.txt").added == 1
