"""The plug-in of docs/skills.md, taken from the page, installed and talked to."""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path

import pytest

from edgebot.config.loader import load_settings
from edgebot.core.turn import Turn
from edgebot.dialogue import plugins
from edgebot.dialogue.build import Parts, Ports, open_dialogue
from edgebot.dialogue.dialogue import LadderDialogue
from edgebot.nlu.understander import TemplateUnderstander
from edgebot.runtime.skills import Household, open_household, skill_report

PAGE = Path(__file__).resolve().parents[3] / "docs" / "skills.md"


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The files of the page on the disk, and an entry point that names them."""
    blocks = re.findall(r"^`([\w/.]+)`:\n\n```\w+\n(.*?)^```", PAGE.read_text(), re.M | re.S)
    for name, content in blocks:
        file = tmp_path / "package" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content)
    assert {name for name, _ in blocks} == {
        "tides/__init__.py",
        "tides/sentences/en/tides.yaml",
        "pyproject.toml",
    }
    written = (tmp_path / "package" / "pyproject.toml").read_text()
    ((name, value),) = re.findall(r'^(\w+) = "(\w+:\w+)"$', written, re.M)
    point = EntryPoint(name, value, plugins.GROUP)
    monkeypatch.syspath_prepend(str(tmp_path / "package"))
    monkeypatch.setattr(plugins, "entry_points", lambda: [point])
    yield tmp_path / "package"
    sys.modules.pop("tides", None)


@pytest.fixture
def household(installed: Path, tmp_path: Path) -> Household:
    settings = load_settings(
        None, {"EDGEBOT_STATE_DIR": str(tmp_path / "state"), "EDGEBOT_TIME_ZONE": "Europe/London"}
    )
    return open_household(settings)


def talk(household: Household) -> LadderDialogue:
    understander = TemplateUnderstander(household.sentences())
    return open_dialogue(
        Parts(
            store=household.store,
            clock=household.clock,
            skills=household.skills,
            replies=household.replies,
            ports=Ports(understander, reader=household.reader),
        )
    )


def say(dialogue: LadderDialogue, text: str) -> str:
    turn = Turn()
    words = [sentence.text for sentence in dialogue.propose(turn, text).sentences()]
    dialogue.heard(turn, " ".join(words))
    return " ".join(words)


def test_it_works_as_the_page_says(household: Household) -> None:
    assert household.skills.problems == []
    dialogue = talk(household)
    assert say(dialogue, "when is high tide") in ("In which harbour?", "Where?")
    assert say(dialogue, "dover").startswith("High tide in Dover is t")
    assert say(dialogue, "what about brest").startswith("High tide in Brest is t")
    assert say(dialogue, "when is high tide in atlantis") == "I don't know the tides in atlantis."
    assert household.store.preferences("tides").get("last") == "brest"
    assert say(dialogue, "what is two plus two") in ("That's four.", "It's four.", "Four.")


def test_wrong_sentences_of_a_plugin_leave_the_rest(installed: Path, household: Household) -> None:
    (installed / "tides/sentences/en/tides.yaml").write_text("language: en\nintents: [broken")
    dialogue = talk(household)
    assert say(dialogue, "when is high tide") == "I don't know."
    assert say(dialogue, "what is two plus two") in ("That's four.", "It's four.", "Four.")
    assert "tides.yaml" in household.skills.problems[0]


def test_the_report_names_it(installed: Path, tmp_path: Path) -> None:
    settings = load_settings(None, {"EDGEBOT_STATE_DIR": str(tmp_path / "state")})
    rows = {row["name"]: row for row in skill_report(settings)}
    assert rows["tides"]["state"] == "ok"
    assert rows["tides"]["intents"] == ["tide_next"]
    assert not rows["tides"]["built_in"]
    assert rows["timers"]["built_in"]
