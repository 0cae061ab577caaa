"""Skills that raise, hang or return nonsense harm nobody but their own turn."""

from __future__ import annotations

import logging
import threading
from typing import Any

import pytest

from edgebot.core.errors import SkillError, StoreError
from edgebot.dialogue.containment import MAX_TEXT, Containment
from edgebot.dialogue.skill import Outcome, Request
from tests.unit.dialogue.fakes import FakeClock, Kettle

REQUEST = Request("kettle_on", {"minutes": 1}, "boil", "a", FakeClock().local())


class Hanging(Kettle):
    """Waits until the test lets go."""

    def __init__(self, release: threading.Event) -> None:
        super().__init__(name="hanging")
        self._release = release

    def handle(self, request: Request) -> Outcome:
        self._release.wait()
        return Outcome(text="too late")


def test_an_outcome_comes_through() -> None:
    outcome = Containment().run(Kettle(), REQUEST)
    assert outcome.reply == "kettle.on"


def test_one_that_raises_is_named(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.ERROR), pytest.raises(SkillError, match=r"'kettle'.*burnt"):
        Containment().run(Kettle(fails=RuntimeError("burnt")), REQUEST)
    assert "kettle" in caplog.text


def test_one_that_hangs_is_left_behind() -> None:
    release = threading.Event()
    with pytest.raises(SkillError, match=r"'hanging'.*no answer within 0\.05 s"):
        Containment(deadline_s=0.05).run(Hanging(release), REQUEST)
    release.set()


@pytest.mark.parametrize(
    ("nonsense", "why"),
    [
        ("hello", "returned str"),
        (42, "returned int"),
        (Outcome(), "neither reply nor text nor question"),
        (Outcome(text="   "), "neither reply nor text nor question"),
        (Outcome(text="x" * (MAX_TEXT + 1)), "no text of at most"),
        (Outcome(text=5), "no text of at most"),  # type: ignore[arg-type]
    ],
)
def test_nonsense_is_refused(nonsense: Any, why: str) -> None:
    with pytest.raises(SkillError, match=why):
        Containment().run(Kettle(outcome=nonsense), REQUEST)


def test_one_that_fails_again_and_again_is_put_aside() -> None:
    containment = Containment(patience=3)
    bad, good = Kettle(fails=RuntimeError("burnt")), Kettle(name="good")
    for _ in range(3):
        with pytest.raises(SkillError, match="burnt"):
            containment.run(bad, REQUEST)
    assert containment.health["kettle"].aside
    bad.fails = None
    with pytest.raises(SkillError, match="put aside after 3 failures"):
        containment.run(bad, REQUEST)
    assert bad.requests == bad.requests[:3]
    assert containment.run(good, REQUEST).reply == "kettle.on"


def test_a_success_forgives() -> None:
    containment = Containment(patience=2)
    skill = Kettle(fails=RuntimeError("burnt"))
    for _ in range(5):
        skill.fails = RuntimeError("burnt")
        with pytest.raises(SkillError):
            containment.run(skill, REQUEST)
        skill.fails = None
        containment.run(skill, REQUEST)
    assert not containment.health["kettle"].aside


def test_a_full_disk_is_not_the_skills_fault() -> None:
    containment = Containment(patience=1)
    with pytest.raises(StoreError):
        containment.run(Kettle(fails=StoreError("full")), REQUEST)
    assert containment.health["kettle"].failures == 0


def test_a_skill_cannot_end_the_program() -> None:
    class Quitting(Kettle):
        def handle(self, request: Request) -> Outcome:
            raise SystemExit(3)

    with pytest.raises(SkillError, match=r"SystemExit\(3\)"):
        Containment().run(Quitting(), REQUEST)
