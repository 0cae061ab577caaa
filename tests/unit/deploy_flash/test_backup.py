"""Backup and restore: the same comes back, and nothing else is taken for a backup."""

from __future__ import annotations

import io
import json
import sqlite3
import tarfile
from pathlib import Path

import pytest

from edgebot.core.errors import EdgebotError, UsageError
from edgebot.deploy.backup import Places, back_up, restore


@pytest.fixture
def places(tmp_path: Path) -> Places:
    data, settings = tmp_path / "lib/edgebot", tmp_path / "etc/edgebot"
    for folder in (data / "voices", settings / "trust"):
        folder.mkdir(parents=True)
    with sqlite3.connect(data / "assistant.db") as db:
        db.execute("CREATE TABLE timers (name)")
        db.execute("INSERT INTO timers VALUES ('tea')")
    db.close()
    (data / "assistant.db.lock").write_text("")
    (data / "voices/ann").write_bytes(b"\0\1")
    (settings / "edgebot.yaml").write_text("language: en\n")
    return Places(data, settings)


def timers(places: Places) -> list[str]:
    with sqlite3.connect(places.data / "assistant.db") as db:
        found = [row[0] for row in db.execute("SELECT name FROM timers")]
    db.close()
    return found


def test_what_was_backed_up_comes_back(places: Places, tmp_path: Path) -> None:
    file = tmp_path / "kitchen.backup"
    writing = sqlite3.connect(places.data / "assistant.db")  # in use, as on a board
    writing.execute("PRAGMA journal_mode=WAL")
    writing.execute("INSERT INTO timers VALUES ('eggs')")
    writing.commit()
    assert back_up(places, file) == 3
    assert file.stat().st_mode & 0o077 == 0
    writing.execute("DELETE FROM timers")
    writing.commit()
    writing.close()
    (places.settings / "edgebot.yaml").write_text("language: de\n")
    (places.data / "later").write_text("")
    assert restore(places, file) == 3
    assert timers(places) == ["tea", "eggs"]
    assert (places.data / "voices/ann").read_bytes() == b"\0\1"
    assert (places.settings / "edgebot.yaml").read_text() == "language: en\n"
    assert not (places.data / "later").exists()
    kept = places.data.with_name("edgebot.before-restore")
    assert (kept / "later").exists()


def test_onto_a_bare_board(places: Places, tmp_path: Path) -> None:
    file = tmp_path / "kitchen.backup"
    back_up(places, file)
    other = Places(tmp_path / "new/lib/edgebot", tmp_path / "new/etc/edgebot")
    restore(other, file)
    assert timers(other) == ["tea"]


def test_a_backup_is_never_overwritten(places: Places, tmp_path: Path) -> None:
    file = tmp_path / "kitchen.backup"
    file.write_text("precious")
    with pytest.raises(UsageError, match="there already"):
        back_up(places, file)
    assert file.read_text() == "precious"


def test_nothing_to_back_up(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="nothing to back up"):
        back_up(Places(tmp_path / "a", tmp_path / "b"), tmp_path / "file")
    assert not (tmp_path / "file").exists()


def tar_of(members: dict[str, bytes], head: object, link: str = "") -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as tar:
        for name, content in {"backup.json": json.dumps(head).encode(), **members}.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
        if link:
            info = tarfile.TarInfo("data/link")
            info.type, info.linkname = tarfile.SYMTYPE, link
            tar.addfile(info)
    return out.getvalue()


HEAD = {"format": 1, "files": {}}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no tar at all",
        tar_of({}, {}),
        tar_of({}, []),
        tar_of({}, {"format": 2, "files": {}}),
        tar_of({"data/a": b"1"}, HEAD),
        tar_of({}, {"format": 1, "files": {"data/a": "0" * 64}}),
        tar_of({"data/a": b"1"}, {"format": 1, "files": {"data/a": "0" * 64}}),
        tar_of({"data/../../evil": b"1"}, HEAD),
        tar_of({"/etc/evil": b"1"}, HEAD),
        tar_of({"elsewhere/a": b"1"}, HEAD),
        tar_of({}, HEAD, link="/etc/passwd"),
    ],
)
def test_what_is_no_backup_changes_nothing(places: Places, tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "bad.backup"
    file.write_bytes(content)
    with pytest.raises(EdgebotError):
        restore(places, file)
    assert timers(places) == ["tea"]
    assert not (tmp_path / "evil").exists()
    assert sorted(p.name for p in places.data.parent.iterdir()) == ["edgebot"]


def test_a_backup_that_is_cut_off(places: Places, tmp_path: Path) -> None:
    file = tmp_path / "kitchen.backup"
    back_up(places, file)
    for share in (0.3, 0.9):
        cut = tmp_path / "cut"
        cut.write_bytes(file.read_bytes()[: int(file.stat().st_size * share)])
        with pytest.raises(EdgebotError):
            restore(places, cut)
    assert timers(places) == ["tea"]
