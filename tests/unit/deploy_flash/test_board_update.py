"""Updates of a board: they are proved, go back by themselves, and survive being broken off."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from edgebot.deploy.board.history import History
from edgebot.deploy.board.journal import STEPS
from edgebot.models.lock import LockFile
from tests.unit.deploy_flash.little import Keys, LittleBoard, Release, release

NEW, OLD = "About 35 ounces. (new)", "About 35 ounces. (old)"
LATER = 1_780_000_100

DRIVER = """
import os, sys
sys.path.insert(0, {program!r})
from edgebot_board import journal, program
from edgebot_board.layout import Layout

enter = journal.Journal.note

def note(self, **facts):
    enter(self, **facts)
    if facts.get("step") == {step!r}:
        {do}

journal.Journal.note = note
sys.exit(program.main())
"""

OPERATIONS = """
import os, sys
sys.path.insert(0, {program!r})
from edgebot_board import program

left = {number}

def counted(work):
    def call(*words, **named):
        global left
        left -= 1
        if left == 0:
            os.kill(os.getpid(), 9)
        return work(*words, **named)
    return call

for name in ("rename", "replace", "symlink", "unlink", "link", "fsync", "rmdir", "mkdir"):
    setattr(os, name, counted(getattr(os, name)))
sys.exit(program.main())
"""


@pytest.fixture
def new(board: LittleBoard) -> Release:
    return release(board.key, "new", schema=2, created=LATER)


def killed_at(board: LittleBoard, step: str) -> str:
    return DRIVER.format(program=str(board.layout.program), step=step, do="os.kill(os.getpid(), 9)")


def test_a_first_release_brings_settings_units_and_answers(bare: LittleBoard, old: Release) -> None:
    state = bare.flash(old)
    assert state["outcome"] == "ok" and state["reply"] == OLD
    layout = bare.layout
    assert layout.current_release() == old.id
    assert (layout.settings / "edgebot.yaml").read_text() == "profile: x86\n"
    unit = layout.units / "edgebot.service"
    assert os.readlink(unit) == "/opt/edgebot/current/systemd/edgebot.service"
    assert (layout.units / "multi-user.target.wants/edgebot.service").is_symlink()
    model = layout.release(old.id) / "models/ear/model.bin"
    assert model.is_symlink() and not os.path.isabs(os.readlink(model)) and model.is_file()
    assert (layout.release(old.id) / "site/assistant.py").stat().st_nlink == 2
    # The assistant finds noted that its models were hashed, and how they looked then.
    models = layout.release(old.id) / "models"
    known = LockFile(models / "models.lock", models / "none").records("ear")["model.bin"]
    looks = model.stat()
    assert (known.inode, known.mtime_ns, known.ctime_ns) == (
        looks.st_ino, looks.st_mtime_ns, looks.st_ctime_ns
    )  # fmt: skip
    assert known.sha256 == hashlib.sha256(model.read_bytes()).hexdigest()
    assert known.size == looks.st_size and known.hashed_ns > looks.st_ctime_ns


def test_what_a_disk_image_could_not_note_is_noted_once_it_runs(board: LittleBoard) -> None:
    lock = board.layout.release(str(board.layout.current_release())) / "models/models.lock"
    lock.unlink()
    board.call("healthy")
    assert lock.is_file()
    noted = lock.read_bytes()
    board.call("healthy")
    assert lock.read_bytes() == noted


def test_an_update_replaces_keeps_data_and_can_be_rolled_back(
    board: LittleBoard, new: Release, old: Release
) -> None:
    assert board.flash(new)["outcome"] == "ok"
    assert board.reply() == NEW
    assert (board.layout.data / "schema").read_text() == "2"
    (board.layout.data / "timers").write_text("tea, eggs")
    rolled = board.call("rollback")
    assert rolled["outcome"] == "ok", json.dumps(rolled)
    assert board.reply() == OLD
    # The old code cannot read schema 2: it got the data of before the update.
    assert (board.layout.data / "schema").read_text() == "1"
    assert board.call("status")["current"] == old.id
    assert board.call("rollback")["outcome"] == "ok"  # and forward again
    assert board.reply() == NEW


def test_a_rollback_keeps_data_that_the_old_release_can_read(board: LittleBoard) -> None:
    assert board.flash(release(board.key, "new", created=LATER))["outcome"] == "ok"
    (board.layout.data / "timers").write_text("tea, eggs")
    rolled = board.call("rollback")
    assert rolled["outcome"] == "ok", json.dumps(rolled)
    assert board.reply() == OLD
    assert (board.layout.data / "timers").read_text() == "tea, eggs"


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"reply": "I don't know."}, "wrong"),
        ({"self_test": "sys.exit('no such engine')"}, "no such engine"),
        ({"self_test": "print('nonsense'); sys.exit(0)"}, "nothing sensible"),
        ({"run": "sys.exit('boom')"}, "boom"),
        ({"run": "sys.exit(78)"}, "exit 78"),
        ({"run": "REPLY = 'I heard nothing.'"}, "I heard nothing."),
        ({"schema": 0}, "newer edgebot"),
    ],
)
def test_a_release_that_does_not_work_is_taken_back(
    board: LittleBoard, old: Release, change: dict[str, str], why: str
) -> None:
    bad = release(board.key, "bad", created=LATER, **change)  # type: ignore[arg-type]
    state = board.flash(bad)
    assert state["outcome"] in ("refused", "rolled-back")
    assert why in state["message"]
    assert board.reply() == OLD
    assert board.layout.current_release() == old.id
    assert (board.layout.data / "schema").read_text() == "1"
    assert (board.layout.data / "timers").read_text() == "tea"
    assert not board.layout.release(bad.id).exists()
    assert not board.layout.journal.exists()


@pytest.mark.parametrize("step", ["verify", "stop", "swap", "switch", "prove", "commit", "back"])
def test_killed_at_any_step_a_whole_release_answers(
    board: LittleBoard, new: Release, old: Release, step: str
) -> None:
    if step == "back":
        new = release(board.key, "new", created=LATER, run="sys.exit('boom')", schema=2)
    board.flash(new, driver=killed_at(board, step))
    board.call("watch")  # whoever polls finds it and ends it
    after = step in ("start", "prove", "commit")
    assert board.reply() == (NEW if after else OLD)
    assert board.layout.current_release() == (new.id if after else old.id)
    assert (board.layout.data / "schema").read_text() == ("2" if after else "1")
    assert (board.layout.data / "timers").read_text() == "tea"
    assert board.state()["outcome"] == ("ok" if after else board.state()["outcome"])
    assert not board.layout.journal.exists()


@pytest.mark.parametrize("step", [*STEPS, "back"])
def test_power_cut_at_any_step_boots_into_a_whole_release(
    board: LittleBoard, new: Release, old: Release, step: str
) -> None:
    if step == "back":
        new = release(board.key, "new", created=LATER, run="sys.exit('boom')", schema=2)
    board.flash(new, driver=killed_at(board, step))
    board.power_cut()
    board.boot()
    assert board.reply() in (OLD, NEW)
    whole = board.layout.current_release()
    assert board.reply() == (NEW if whole == new.id else OLD)
    assert (board.layout.data / "schema").read_text() == ("2" if whole == new.id else "1")
    assert (board.layout.data / "timers").read_text() == "tea"
    proved = board.call("healthy")["message"]
    assert proved == (f"healthy: {NEW}" if whole == new.id else "nothing to prove")


@pytest.mark.parametrize("number", range(3, 90, 11))
def test_killed_between_any_two_operations(
    board: LittleBoard, new: Release, old: Release, number: int
) -> None:
    driver = OPERATIONS.format(program=str(board.layout.program), number=number)
    board.flash(new, driver=driver)
    board.power_cut()
    board.boot()
    whole = board.layout.current_release()
    assert whole in (old.id, new.id)
    assert board.reply() == (NEW if whole == new.id else OLD)
    assert (board.layout.data / "schema").read_text() == ("2" if whole == new.id else "1")
    assert (board.layout.data / "timers").read_text() == "tea"


def test_the_same_release_once_more_mends_what_is_damaged(
    board: LittleBoard, new: Release, old: Release
) -> None:
    assert board.flash(new)["outcome"] == "ok"
    script = board.layout.release(new.id) / "site/assistant.py"
    script.unlink()
    script.write_text("raise SystemExit('worn out')")
    assert board.call("install", new.id)["outcome"] == "ok"
    assert board.reply() == NEW
    assert board.call("status")["previous"] == old.id
    rolled = board.call("rollback")
    assert rolled["outcome"] == "ok", json.dumps(rolled)
    assert board.reply() == OLD


def test_three_unhealthy_boots_roll_back(board: LittleBoard, old: Release) -> None:
    flag = board.layout.data / "broken"
    run = f"os.path.exists({str(flag)!r}) and sys.exit('the sound server is gone')"
    new = release(board.key, "new", created=LATER, run=run)
    assert board.flash(new)["outcome"] == "ok"
    flag.write_text("")
    for number in (1, 2, 3):
        board.power_cut()
        assert f"boot {number} of" in board.boot()["message"]
        if number < 3:
            assert "unhealthy" in board.call("healthy")["message"]
    board.power_cut()
    assert "3 boots without a healthy answer" in board.boot()["message"]
    assert board.layout.current_release() == old.id
    assert board.reply() == OLD


def test_a_healthy_boot_ends_the_probation(board: LittleBoard, new: Release) -> None:
    assert board.flash(new)["outcome"] == "ok"
    assert "has not been booted yet" in board.call("healthy")["message"]
    assert History(board.layout).probation is not None
    board.power_cut()
    board.boot()
    assert board.reply() == NEW
    assert "healthy: About 35" in board.call("healthy")["message"]
    assert History(board.layout).probation is None
    for _ in range(4):
        board.power_cut()
        board.boot()
    assert board.reply() == NEW


def test_a_release_on_probation_that_fails_for_good_is_replaced(
    board: LittleBoard, old: Release
) -> None:
    flag = board.layout.data / "broken"
    run = f"os.path.exists({str(flag)!r}) and sys.exit('boom')"
    assert board.flash(release(board.key, "new", created=LATER, run=run))["outcome"] == "ok"
    flag.write_text("")
    board.power_cut()
    board.boot()
    board.call("healthy")  # waits until the supervisor has given up
    assert "went back" in board.call("failed")["message"]
    assert board.reply() == OLD


@pytest.fixture
def small(tmp_path: Path, keys: Keys) -> Iterator[LittleBoard]:
    """A board on a disk of 3 MB that can be filled."""
    root = tmp_path / "disk"
    root.mkdir()
    mounted = os.geteuid() == 0 and shutil.which("mount") is not None
    mounted = (
        mounted
        and not subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=3m", "tmpfs", str(root)], check=False
        ).returncode
    )
    if not mounted:
        pytest.skip("only root may mount a small disk")
    board = LittleBoard(root, keys)
    yield board
    board.call("stop")
    subprocess.run(["umount", "--lazy", str(root)], check=True)


FILL = """
        try:
            with open({root!r} + "/filler", "wb", buffering=0) as file:
                while True:
                    file.write(bytes(4096))
        except OSError:
            pass
"""


@pytest.mark.parametrize("step", ["unpack", "self-test", "migrate", "swap", "prove", "back"])
def test_a_disk_that_is_full_from_any_step_on(
    small: LittleBoard, step: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edgebot.deploy.board.checks.SPARE_BYTES", 0)
    assert small.flash(release(small.key, "old"))["outcome"] == "ok"
    run = "sys.exit('boom')" if step == "back" else "pass"
    new = release(small.key, "new", created=LATER, schema=2, run=run)
    (small.layout.data / "memories").write_bytes(bytes(200_000))
    program = str(small.layout.program)
    fill = FILL.format(root=str(small.layout.root)).strip()
    state = small.flash(new, driver=DRIVER.format(program=program, step=step, do=fill))
    (small.layout.root / "filler").unlink()
    whole = small.layout.current_release()
    assert small.reply() == (NEW if whole == new.id else OLD), state
    assert (small.layout.data / "schema").read_text() == ("2" if whole == new.id else "1")
    assert (small.layout.data / "memories").stat().st_size == 200_000
    assert small.state()["outcome"] == ("ok" if whole == new.id else small.state()["outcome"])
    assert small.state()["outcome"] != "running"
    assert small.flash(release(small.key, "next", created=LATER + 1, schema=2))["outcome"] == "ok"
