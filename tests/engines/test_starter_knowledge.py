"""The shipped documents, asked as people speak, and what they say about the commands."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from edgebot.core.knowledge import KnowledgeAnswer, KnowledgeBase
from edgebot.core.nlu import NluContext
from edgebot.runtime.wiring import Assembly

pytestmark = pytest.mark.engines

QUESTIONS: Mapping[str, Any] = yaml.safe_load(
    (Path(__file__).parent / "starter_questions.yaml").read_text(encoding="utf-8")
)

# What knowledge/edgebot/using.yaml tells people to say, and what it must be understood as.
EXAMPLES = {
    "set a timer for ten minutes": "timer_set",
    "set a pasta timer for eight minutes": "timer_set",
    "cancel the timer": "timer_cancel",
    "cancel the pasta timer": "timer_cancel",
    "how much time is left": "timer_left",
    "set an alarm for seven in the morning": "alarm_set",
    "wake me every weekday at half past six": "alarm_set",
    "wake me every weekday at seven": "alarm_set",
    "remind me tomorrow at nine to water the plants": "reminder_set",
    "add milk and eggs to the shopping list": "list_add",
    "what is on the shopping list": "list_read",
    "remove milk from the shopping list": "list_remove",
    "add a tent to the camping list": "list_add",
    "louder": "volume_up",
    "quieter": "volume_down",
    "set the volume to fifty percent": "volume_set",
    "mute": "volume_mute",
    "unmute": "volume_unmute",
    "stop": "stop",
    "repeat that": "repeat",
    "what is 17 times 23": "calculate",
    "what is 15 percent of 80": "calculate",
    "how many ounces are in a kilo": "unit_convert",
    "what is 70 Fahrenheit in Celsius": "unit_convert",
    "roll a dice": "dice_roll",
    "flip a coin": "coin_flip",
    "how hot are you": "device_temperature",
    "how much memory is free": "device_memory",
    "how long have you been running": "device_uptime",
    "no, fifteen minutes": "correct",
    "make that Tuesday": "correct",
    "help": "help",
}


@pytest.fixture(scope="module")
def base(assembly: Assembly) -> KnowledgeBase:
    """The knowledge base with the shipped documents in it."""
    return assembly.knowledge()


def _right(answer: KnowledgeAnswer, wanted: str) -> bool:
    return answer.kind != "none" and bool(re.search(wanted, answer.text))


def test_most_questions_are_answered_rightly(base: KnowledgeBase) -> None:
    said = [(base.answer(asked), asked, wanted) for asked, wanted in QUESTIONS["answerable"]]
    wrong = [(asked, a.text) for a, asked, wanted in said if a.text and not _right(a, wanted)]
    silent = [asked for answer, asked, _ in said if answer.kind == "none"]
    assert len(said) >= 400
    assert len(wrong) <= 0.02 * len(said), wrong
    assert len(silent) + len(wrong) <= 0.06 * len(said), silent


def test_what_it_does_not_know_is_left_unanswered(base: KnowledgeBase) -> None:
    answers = [(asked, base.answer(asked)) for asked in QUESTIONS["unanswerable"]]
    answered = [(asked, answer.text) for asked, answer in answers if answer.kind != "none"]
    assert len(answers) >= 100
    assert len(answered) <= 0.05 * len(answers), answered


def test_answers_name_the_file_they_come_from(base: KnowledgeBase) -> None:
    answer = base.answer("what is the capital of france")
    assert "Paris" in answer.text
    assert [Path(source).name for source in answer.sources] == ["countries.yaml"]


@pytest.mark.parametrize(("said", "intent"), EXAMPLES.items())
def test_examples_of_what_can_be_said_are_understood(
    assembly: Assembly, root: Path, said: str, intent: str
) -> None:
    page = (root / "knowledge" / "edgebot" / "using.yaml").read_text(encoding="utf-8")
    assert said in page.replace("Say, ", "").lower() or said in page
    found = assembly.understander().match(said, NluContext())
    assert found and found[0].intent == intent
