"""A board with one release that answers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.unit.deploy_flash.little import Keys, LittleBoard, Release, release


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    return Keys(tmp_path)


@pytest.fixture
def bare(tmp_path: Path, keys: Keys) -> Iterator[LittleBoard]:
    """Nothing is on it yet."""
    board = LittleBoard(tmp_path / "board", keys)
    yield board
    board.call("stop")


@pytest.fixture
def old(bare: LittleBoard) -> Release:
    return release(bare.key, "old")


@pytest.fixture
def board(bare: LittleBoard, old: Release) -> LittleBoard:
    """The old release runs and answers."""
    assert bare.flash(old)["outcome"] == "ok"
    assert bare.reply() == "About 35 ounces. (old)"
    return bare
