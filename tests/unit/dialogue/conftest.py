"""A scene over fakes: a kettle, and the words that cancel."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.unit.dialogue.fakes import Scene


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    made = Scene(tmp_path)
    made.understander.know("boil for three", "kettle_on", minutes=3)
    made.understander.know("boil", "kettle_on")
    made.understander.know("kettle off", "kettle_off")
    made.understander.know("stop", "stop")
    made.understander.know("cancel", "cancel")
    made.understander.know("never mind", "never_mind")
    return made
