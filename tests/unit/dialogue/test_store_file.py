"""The file: durable, migrated, backed up, replaced when damaged, shared by processes."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest
from sqlite_utils import Database

from edgebot.core.errors import StoreError
from edgebot.dialogue.store.file import StoreFile
from edgebot.dialogue.store.store import Store
from tests.unit.dialogue.fakes import FakeClock


def fill(file: StoreFile, text: str) -> None:
    file.write(lambda db: db["memories"].insert({"text": text, "session": "", "said_at": "now"}))


def texts(file: StoreFile) -> list[str]:
    return file.read(lambda db: [row["text"] for row in db["memories"].rows])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "assistant.db"


def test_what_was_written_is_there_after_reopening(path: Path) -> None:
    file = StoreFile(path)
    fill(file, "one")
    file.close()
    assert texts(StoreFile(path)) == ["one"]


def test_it_is_a_plain_sqlite_file_with_full_sync(path: Path) -> None:
    file = StoreFile(path)
    fill(file, "one")
    modes = file.read(
        lambda db: (
            db.conn.execute("PRAGMA journal_mode").fetchone()[0],
            db.conn.execute("PRAGMA synchronous").fetchone()[0],
            db.conn.execute("PRAGMA secure_delete").fetchone()[0],
        )
    )
    assert modes == ("wal", 2, 1)
    assert {"promises", "rings", "lists", "items", "memories"} <= set(Database(path).table_names())
    assert path.stat().st_mode & 0o077 == 0


def test_a_failed_write_leaves_nothing_behind(path: Path) -> None:
    file = StoreFile(path)
    fill(file, "one")

    def half(db: Database) -> None:
        db["memories"].insert({"text": "half", "session": "", "said_at": ""})
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        file.write(half)
    assert texts(file) == ["one"]
    fill(file, "two")
    assert texts(file) == ["one", "two"]


def test_backups_are_taken_at_start_and_end_and_rotate(path: Path) -> None:
    for n in range(5):
        file = StoreFile(path, keep=2)
        fill(file, str(n))
        file.close()
    names = sorted(p.name for p in path.parent.glob("*.backup*"))
    assert names == ["assistant.db.backup-1", "assistant.db.backup-2"]
    newest = StoreFile(path.parent / "copy.db")
    (path.parent / "copy.db").write_bytes((path.parent / names[0]).read_bytes())
    assert texts(newest) == ["0", "1", "2", "3", "4"]


def test_nothing_new_is_no_backup(path: Path) -> None:
    file = StoreFile(path)
    fill(file, "one")
    file.close()
    first = (path.parent / "assistant.db.backup-1").stat()
    for _ in range(3):
        file = StoreFile(path)
        assert texts(file) == ["one"]
        file.close()
    assert (path.parent / "assistant.db.backup-1").stat().st_mtime_ns == first.st_mtime_ns
    assert not (path.parent / "assistant.db.backup-2").exists()


def test_writes_back_up_now_and_then(path: Path) -> None:
    file = StoreFile(path, backup_every_s=0.0)
    fill(file, "one")
    assert (path.parent / "assistant.db.backup-1").exists()


def damage(path: Path) -> None:
    raw = bytearray(path.read_bytes())
    raw[100:4000] = os.urandom(3900)
    path.write_bytes(raw)


@pytest.mark.parametrize(
    "harm", [damage, lambda path: path.write_bytes(b"this is no database at all" * 300)]
)
def test_a_damaged_file_is_set_aside_and_the_backup_used(path: Path, harm: object) -> None:
    file = StoreFile(path)
    fill(file, "kept")
    file.close()
    harm(path)  # type: ignore[operator]
    file = StoreFile(path)
    assert texts(file) == ["kept"]
    assert "damaged" in file.notices[0]
    assert "assistant.db.backup-1" in file.notices[0]
    assert len(list(path.parent.glob("assistant.db.damaged-*"))) >= 1
    fill(file, "new")
    assert texts(file) == ["kept", "new"]


def test_a_damaged_file_without_backup_is_replaced_by_an_empty_one(path: Path) -> None:
    path.write_bytes(b"nonsense" * 1000)
    file = StoreFile(path)
    assert texts(file) == []
    assert "an empty one is used" in file.notices[0]


def test_a_damaged_backup_is_passed_over(path: Path) -> None:
    for text in ("old", "new"):
        file = StoreFile(path)
        fill(file, text)
        file.close()
    damage(path)
    damage(path.parent / "assistant.db.backup-1")
    file = StoreFile(path)
    assert texts(file) == ["old"]


def test_a_file_that_breaks_while_open_is_replaced(path: Path) -> None:
    file = StoreFile(path)
    fill(file, "kept")
    file.backup()
    file.read(lambda db: db.conn.execute("PRAGMA user_version").fetchone())

    faults = [sqlite3.SQLITE_CORRUPT]

    def broken(db: Database) -> list[str]:
        if faults:
            path.write_bytes(b"x" * 8192)
            error = sqlite3.DatabaseError("database disk image is malformed")
            error.sqlite_errorcode = faults.pop()
            raise error
        return [row["text"] for row in db["memories"].rows]

    assert file.read(broken) == ["kept"]


def test_a_file_that_was_replaced_by_another_process_is_opened_anew(path: Path) -> None:
    ours = StoreFile(path)
    fill(ours, "one")
    ours.backup()
    for ending in ("", "-wal", "-shm"):
        part = path.with_name(path.name + ending)
        if part.exists():
            part.rename(path.with_name("aside" + ending))
    (path.parent / "assistant.db.backup-1").rename(path)
    assert texts(ours) == ["one"]
    fill(ours, "two")
    assert texts(StoreFile(path)) == ["one", "two"]


def test_a_full_disk_is_an_error_and_no_loss(path: Path) -> None:
    file = StoreFile(path)
    fill(file, "one")
    file.read(lambda db: None)
    pages = file.read(lambda db: db.conn.execute("PRAGMA page_count").fetchone()[0])
    assert file._db is not None
    file._db.conn.execute(f"PRAGMA max_page_count={pages}")
    with pytest.raises(StoreError, match="full"):
        fill(file, "x" * 100_000)
    assert texts(file) == ["one"]
    file._db.conn.execute("PRAGMA max_page_count=1000000")
    fill(file, "two")
    assert texts(file) == ["one", "two"]


def test_a_place_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="EDGEBOT_STATE_DIR"):
        texts(StoreFile(tmp_path / "file" / "assistant.db"))


def test_many_threads_share_it(path: Path) -> None:
    file = StoreFile(path)
    threads = [
        threading.Thread(target=lambda n=n: [fill(file, f"{n}-{i}") for i in range(10)])
        for n in range(5)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(texts(file)) == 50


WRITER = """
import sys
from pathlib import Path
from edgebot.dialogue.store.file import StoreFile
file = StoreFile(Path(sys.argv[1]))
for n in range(20):
    row = {"text": sys.argv[2] + str(n), "session": "", "said_at": ""}
    file.write(lambda db: db["memories"].insert(row))
file.close()
"""


def test_several_processes_open_and_write_at_once(path: Path) -> None:
    children = [subprocess.Popen([sys.executable, "-c", WRITER, str(path), name]) for name in "abc"]
    assert [child.wait(60) for child in children] == [0, 0, 0]
    assert len(texts(StoreFile(path))) == 60


def test_forgetting_leaves_no_trace_in_the_file(tmp_path: Path) -> None:
    store = Store(tmp_path, FakeClock())
    memory = store.memories.add("the treasure is under the elm")
    store.memories.forget([memory.id])
    assert store.file._db is not None
    store.file._db.conn.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    raw = b"".join(p.read_bytes() for p in tmp_path.glob("assistant.db*"))
    assert b"treasure" not in raw
