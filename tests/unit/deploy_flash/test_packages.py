"""Debian packages come along: a real dpkg, with a database and a root of its own."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest

from edgebot.deploy.board import checks, packages, uninstall
from edgebot.deploy.board.history import History
from edgebot.deploy.board.layout import Layout
from edgebot.deploy.board.manifest import read
from edgebot.deploy.board.refusal import Refused
from tests.unit.deploy_flash.little import Keys, LittleBoard, Release, release

pytestmark = pytest.mark.skipif(shutil.which("dpkg-deb") is None, reason="no Debian")

LIBRARY, NEEDED = "libedgebottest7", "libedgebotbase3"


def deb(folder: Path, name: str, version: str = "1.0", depends: str = "") -> bytes:
    tree = folder / f"{name}-{version}"
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "usr/lib").mkdir(parents=True)
    (tree / "usr/lib" / f"{name}.so").write_text("a library")
    lines = [f"Package: {name}", f"Version: {version}", "Architecture: all", "Description: x"]
    lines += [
        "Maintainer: nobody <nobody@example.org>",
        *([f"Depends: {depends}"] if depends else []),
    ]
    (tree / "DEBIAN/control").write_text("\n".join(lines) + "\n")
    subprocess.run(
        ["dpkg-deb", "--build", "--root-owner-group", tree], check=True, capture_output=True
    )
    return (folder / f"{name}-{version}.deb").read_bytes()


@pytest.fixture
def machine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A root whose dpkg knows nothing yet; Debian bookworm by its own word."""
    root = tmp_path / "machine"
    (root / "var/lib/dpkg").mkdir(parents=True)
    for name in ("status", "available"):
        (root / "var/lib/dpkg" / name).touch()
    monkeypatch.setenv("DPKG_ROOT", str(root))
    monkeypatch.setenv("DPKG_ADMINDIR", str(root / "var/lib/dpkg"))
    monkeypatch.setenv("EDGEBOT_BOARD_PACKAGES", "yes")
    monkeypatch.setattr(packages, "codename", lambda: "bookworm")
    return root


@pytest.fixture
def board(tmp_path: Path) -> LittleBoard:
    (tmp_path / "keys").mkdir()
    return LittleBoard(tmp_path / "board", Keys(tmp_path / "keys"))


def made(
    board: LittleBoard, tmp_path: Path, suite: str = "bookworm", depends: str = NEEDED
) -> Release:
    files = {
        f"debian/{suite}/{LIBRARY}_1.0_all.deb": (
            deb(tmp_path, LIBRARY, depends=depends),
            "package",
        ),
        f"debian/{suite}/{NEEDED}_1.0_all.deb": (deb(tmp_path, NEEDED), "package"),
    }
    return release(board.key, "with packages", files=files, system=(LIBRARY,))


def test_what_the_board_lacks_is_installed_before_the_release_is_tried(
    machine: Path, board: LittleBoard, tmp_path: Path
) -> None:
    one = made(board, tmp_path)
    state = board.flash(one)
    assert state["outcome"] == "ok", state
    assert packages.installed(LIBRARY) and packages.installed(NEEDED)
    assert (machine / f"usr/lib/{LIBRARY}.so").is_file()
    assert History(board.layout).facts["packages"] == sorted([LIBRARY, NEEDED])
    manifest = read(board.layout.manifest(one.id).read_bytes())
    assert packages.install(board.layout, manifest) == []
    board.power_cut()
    uninstall.uninstall(board.layout)
    assert not packages.installed(LIBRARY)


def test_what_is_there_stays_in_its_version(
    machine: Path, board: LittleBoard, tmp_path: Path
) -> None:
    older = tmp_path / "older.deb"
    older.write_bytes(deb(tmp_path, NEEDED, "0.9"))
    subprocess.run(["dpkg", "--install", older], check=True, capture_output=True)
    one = made(board, tmp_path, depends=f"{NEEDED} (>= 1.0)")
    assert board.flash(one)["outcome"] == "ok"
    shown = subprocess.run(
        ["dpkg-query", "-W", "-f", "${Version}", NEEDED], capture_output=True, text=True, check=True
    )
    assert shown.stdout == "0.9"
    assert History(board.layout).facts["packages"] == [LIBRARY]
    board.power_cut()


@pytest.mark.usefixtures("machine")
def test_packages_of_another_debian_are_none(board: LittleBoard, tmp_path: Path) -> None:
    with pytest.raises(Refused, match=f"the board lacks {LIBRARY}: .*apt-get install {LIBRARY}"):
        board.offer(made(board, tmp_path, "trixie"))


@pytest.mark.usefixtures("machine")
def test_a_package_that_dpkg_refuses_leaves_the_running_release(
    board: LittleBoard, tmp_path: Path
) -> None:
    first = release(board.key, "first")
    assert board.flash(first)["outcome"] == "ok"
    files = {f"debian/bookworm/{LIBRARY}_1.0_all.deb": (b"no package at all", "package")}
    bad = release(board.key, "bad", files=files, system=(LIBRARY,))
    state = board.flash(bad)
    assert state["outcome"] == "refused"
    assert "dpkg cannot install" in state["message"] and "apt-get -f install" in state["message"]
    assert board.layout.current_release() == first.id
    assert "(first)" in board.reply()
    board.power_cut()


def test_below_a_folder_nothing_is_installed(
    machine: Path, board: LittleBoard, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("EDGEBOT_BOARD_PACKAGES")
    one = made(board, tmp_path)
    assert board.flash(one)["outcome"] == "ok"
    assert not (machine / "usr").exists()
    board.power_cut()


def test_alsa_may_come_along_too(machine: Path, board: LittleBoard, tmp_path: Path) -> None:
    raw = deb(tmp_path, "libasound2t64")
    files = {"debian/bookworm/libasound2t64_1.0_all.deb": (raw, "package")}
    manifest = read(release(board.key, "alsa", files=files).manifest.to_bytes())
    without = replace(checks.look(), alsa=False, codename="bookworm")
    checks.check(Layout(tmp_path), manifest, without)
    with pytest.raises(Refused, match="ALSA is missing"):
        checks.check(Layout(tmp_path), manifest, replace(without, codename="trixie"))
