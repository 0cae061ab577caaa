"""Skills of other packages: loaded by entry point, named when they cannot be."""

from __future__ import annotations

import sys
import types
from collections.abc import Iterator
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any, ClassVar

import pytest

from edgebot.core.turn import Turn
from edgebot.dialogue.build import Parts, Ports, load_skills, open_dialogue
from edgebot.dialogue.plugins import GROUP, load_plugins, sentence_folders
from edgebot.dialogue.replies import Replies
from edgebot.dialogue.skill import Intent, Outcome, Request
from edgebot.dialogue.skills.registry import BUILT_IN, Services
from edgebot.dialogue.skillset import SkillSet
from edgebot.dialogue.store.store import Store
from edgebot.dialogue.volume import StoredVolume
from tests.unit.dialogue.fakes import REPLIES, FakeClock, FakeReader, FakeUnderstander, Kettle


class Tides:
    """The example of docs/skills.md, in short."""

    name = "tides"
    intents = (Intent("tide_next", "Tell when the next high tide is."),)
    replies: ClassVar = {"en": {"tides": {"next": "High tide is at noon."}}}
    sentences = Path("sentences")

    def __init__(self, services: Any) -> None:
        self.services = services

    def handle(self, request: Request) -> Outcome:
        return Outcome("tides.next")


def broken(services: Any) -> Any:
    raise RuntimeError("no sea")


@pytest.fixture(autouse=True)
def package() -> Iterator[None]:
    """A package that pip might have installed."""
    module = types.ModuleType("tides_package")
    module.Tides = Tides  # type: ignore[attr-defined]
    module.broken = broken  # type: ignore[attr-defined]
    module.kettle = lambda services: Kettle()  # type: ignore[attr-defined]
    module.nothing = lambda services: None  # type: ignore[attr-defined]
    sys.modules["tides_package"] = module
    yield
    del sys.modules["tides_package"]


def point(value: str, name: str = "tides") -> EntryPoint:
    return EntryPoint(name, f"tides_package:{value}", GROUP)


@pytest.fixture
def services(tmp_path: Path) -> Services:
    store = Store(tmp_path, FakeClock())
    clock = FakeClock()
    return Services(store, clock, FakeReader(), StoredVolume(store.preferences("volume"), clock))


def test_a_plugin_is_taken_in_with_its_replies(services: Services) -> None:
    skills, replies = SkillSet(), Replies(REPLIES, {})
    load_plugins(skills, services, replies, found=[point("Tides")])
    assert skills.problems == []
    found = skills.find("tide_next")
    assert found is not None
    assert found[0].services is services  # type: ignore[attr-defined]
    assert replies.word("tides.next", {}, FakeClock().local()) == ["High tide is at noon."]
    assert sentence_folders(skills) == [Path("sentences")]


def test_it_answers_a_turn(services: Services) -> None:
    skills, replies = SkillSet(), Replies(REPLIES, {})
    load_plugins(skills, services, replies, found=[point("Tides")])
    understander = FakeUnderstander()
    understander.know("when is high tide", "tide_next")
    dialogue = open_dialogue(
        Parts(services.store, services.clock, skills, replies, Ports(understander))
    )
    proposal = dialogue.propose(Turn(), "when is high tide")
    assert [s.text for s in proposal.sentences()] == ["High tide is at noon."]


@pytest.mark.parametrize(
    ("value", "why"),
    [
        ("broken", "RuntimeError: no sea"),
        ("missing", "has no attribute 'missing'"),
        ("nothing", "is no skill"),
    ],
)
def test_one_that_cannot_be_loaded_is_named_and_the_others_are_there(
    services: Services, value: str, why: str
) -> None:
    skills = SkillSet()
    load_plugins(
        skills, services, Replies(REPLIES, {}), found=[point(value, "bad"), point("Tides")]
    )
    assert [skill.name for skill in skills.skills] == ["tides"]
    (problem,) = skills.problems
    assert why in problem


def test_one_that_hangs_while_it_is_loaded_is_left_out(services: Services) -> None:
    import threading

    release = threading.Event()
    sys.modules["tides_package"].slow = lambda services: release.wait()  # type: ignore[attr-defined]
    skills = SkillSet()
    load_plugins(
        skills, services, Replies(REPLIES, {}), deadline_s=0.05, found=[point("slow", "slow")]
    )
    assert "TimeoutError" in skills.problems[0]
    release.set()


def test_an_intent_belongs_to_the_first_who_declares_it(services: Services) -> None:
    skills = SkillSet([Kettle()])
    load_plugins(skills, services, Replies(REPLIES, {}), found=[point("kettle", "other kettle")])
    assert len(skills.skills) == 1
    assert "another skill has that name" in skills.problems[0]
    assert not skills.add(Kettle(name="second"))
    assert "belongs to skill 'kettle'" in skills.problems[1]


def test_a_plugins_replies_do_not_replace_ours(services: Services) -> None:
    class Rude(Tides):
        replies: ClassVar = {"en": {"repair": {"unknown": "Go away."}, "tides": {"next": "Noon."}}}

    sys.modules["tides_package"].Rude = Rude  # type: ignore[attr-defined]
    replies = Replies(REPLIES, {})
    load_plugins(SkillSet(), services, replies, found=[point("Rude")])
    assert replies.word("repair.unknown", {}, FakeClock().local()) == ["I don't know."]


def test_skills_can_be_switched_off(services: Services) -> None:
    skills = load_skills(services, Replies(REPLIES, {}), off=["chance", "no such skill"])
    assert skills.find("coin_flip") is None
    assert {skill.name for skill in skills.skills} == set(BUILT_IN) - {"chance"}
    assert "no skill 'no such skill'" in skills.problems[0]


@pytest.mark.parametrize("name", sorted(BUILT_IN))
def test_built_in_skills_are_called_what_the_registry_calls_them(
    name: str, services: Services
) -> None:
    skill = BUILT_IN[name](services)
    assert skill.name == name
    assert SkillSet().add(skill)
