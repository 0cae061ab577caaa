"""Imports that are really killed, really run out of disk, and really run at the same time."""

import multiprocessing
import os
import signal
import subprocess

import pytest

from edgebot.core.errors import StoreError
from edgebot.knowledge.contents import statistics
from edgebot.knowledge.ingest import Importer
from edgebot.knowledge.store import KnowledgeStore
from tests.unit.knowledge.conftest import StemEncoder

FORK = multiprocessing.get_context("fork")


class KilledAt(StemEncoder):
    """Kills its own process, as the kernel or a pulled plug would, at the given call."""

    def __init__(self, calls):
        super().__init__()
        self.left = calls

    def embed(self, texts):
        self.left -= 1
        if not self.left:
            os.kill(os.getpid(), signal.SIGKILL)
        return super().embed(texts)


def _import(path, folder, encoder):
    store = KnowledgeStore(path)
    Importer(store, encoder, 1_000_000).run([folder])
    store.close()


def _write(folder, files):
    for number in range(files):
        words = " ".join(f"w{number}x{n}" for n in range(400))
        (folder / f"{number:03}.txt").write_text(words)


def test_a_kill_loses_only_the_batch_at_work(tmp_path, folder, encoder):
    _write(folder, 80)
    path = tmp_path / "knowledge.db"
    process = FORK.Process(target=_import, args=(path, folder, KilledAt(3)))
    process.start()
    process.join(60)
    assert process.exitcode == -signal.SIGKILL
    store = KnowledgeStore(path)
    assert store.query("PRAGMA integrity_check") == [("ok",)]
    kept = statistics(store)
    assert 0 < kept["passages"] == kept["vectors"]
    report = Importer(store, encoder, 1_000_000).run([folder])
    assert report.unchanged > 0
    assert len(encoder.encoded) == statistics(store)["passages"] - kept["passages"]
    assert statistics(store)["unfinished"] == []
    assert len(store.documents()) == 80
    store.close()


def test_two_processes_import_at_once(tmp_path, folder):
    _write(folder, 40)
    path = tmp_path / "knowledge.db"
    both = [FORK.Process(target=_import, args=(path, folder, StemEncoder())) for _ in range(2)]
    for process in both:
        process.start()
    for process in both:
        process.join(60)
    assert [process.exitcode for process in both] == [0, 0]
    store = KnowledgeStore(path)
    assert store.query("PRAGMA integrity_check") == [("ok",)]
    assert len(store.documents()) == 40
    assert store.query("SELECT count(*), count(DISTINCT text) FROM passages")[0][0] == 160
    store.close()


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 1.5 MB; only root may make one."""
    place = tmp_path / "disk"
    place.mkdir()
    made = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=1536k", "tmpfs", str(place)],
        capture_output=True,
        check=False,
    )
    if made.returncode:
        pytest.skip("no file system may be mounted here")
    yield place
    subprocess.run(["umount", str(place)], check=True)


def test_a_disk_that_runs_full_keeps_what_was_done(small_disk, folder, encoder):
    _write(folder, 300)
    store = KnowledgeStore(small_disk / "knowledge.db")
    with pytest.raises(StoreError, match="make room on the disk"):
        Importer(store, encoder, 1_000_000).run([folder])
    store.close()
    subprocess.run(["mount", "-o", "remount,size=64m", str(small_disk)], check=True)
    store = KnowledgeStore(small_disk / "knowledge.db")
    assert store.query("PRAGMA integrity_check") == [("ok",)]
    assert Importer(store, encoder, 1_000_000).run([folder]).unchanged > 0
    assert len(store.documents()) == 300
    assert statistics(store)["unfinished"] == []
    store.close()
