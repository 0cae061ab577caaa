"""Skills as tools of a language model: declared, checked, never without a yes."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgebot.core.errors import SkillError
from edgebot.core.language import ToolCall
from edgebot.core.turn import Turn
from edgebot.dialogue.skill import Intent, Slot
from edgebot.dialogue.toolbox import tool_of
from tests.unit.dialogue.fakes import Scene


@pytest.fixture
def scene(tmp_path: Path) -> Scene:
    return Scene(tmp_path)


def test_only_what_is_meant_for_it_is_declared(scene: Scene) -> None:
    assert [tool.name for tool in scene.dialogue.toolbox.tools] == ["kettle_on", "kettle_off"]


def test_slots_become_parameters() -> None:
    slots = (
        Slot("length", "duration", "how long", required=True),
        Slot("count", "number"),
        Slot("nth", "ordinal"),
        Slot("sure", "yes_no"),
        Slot("part", "text", choices=("day", "week")),
    )
    tool = tool_of(Intent("do", "Do it.", slots))
    assert [(p.name, p.kind, p.required) for p in tool.parameters] == [
        ("length", "string", True),
        ("count", "number", False),
        ("nth", "integer", False),
        ("sure", "boolean", False),
        ("part", "string", False),
    ]
    assert tool.parameters[4].choices == ("day", "week")


def test_a_call_is_carried_out(scene: Scene) -> None:
    result = scene.dialogue.toolbox.call(Turn("a"), ToolCall("kettle_on", {"minutes": 4}))
    assert (result.text, result.spoken) == ("The kettle is on for 4 minutes.", True)


def test_words_are_read_like_a_persons(scene: Scene) -> None:
    scene.reader.teach("number", "four", 4)
    scene.dialogue.toolbox.call(Turn("a"), ToolCall("kettle_on", {"minutes": "four"}))
    assert scene.kettle.requests[-1].slots == {"minutes": 4}


@pytest.mark.parametrize(
    ("call", "why"),
    [
        (ToolCall("launch", {}), "unknown tool: launch"),
        (ToolCall("kettle_state", {}), "unknown tool: kettle_state"),
        (ToolCall("kettle_on", {"volume": 3}), "unknown argument: volume"),
        (ToolCall("kettle_on", {"minutes": "many"}), "wrong value for minutes"),
        (ToolCall("kettle_on", {"minutes": True}), "wrong value for minutes"),
        (ToolCall("kettle_on", {"minutes": [1]}), "wrong value for minutes"),
    ],
)
def test_wrong_calls_are_told_and_not_carried_out(scene: Scene, call: ToolCall, why: str) -> None:
    result = scene.dialogue.toolbox.call(Turn("a"), call)
    assert why in result.text
    assert not result.spoken
    assert scene.kettle.requests == []


def test_what_is_missing_is_asked_of_the_person(scene: Scene) -> None:
    scene.reader.teach("number", "five", 5)
    result = scene.dialogue.toolbox.call(Turn("a"), ToolCall("kettle_on", {}))
    assert (result.text, result.spoken) == ("How many?", True)
    assert scene.say("five") == "The kettle is on for 5 minutes."


def test_a_model_cannot_say_yes_for_the_person(scene: Scene) -> None:
    result = scene.dialogue.toolbox.call(Turn("a"), ToolCall("kettle_off", {"confirmed": True}))
    assert "unknown argument" in result.text
    result = scene.dialogue.toolbox.call(Turn("a"), ToolCall("kettle_off", {}))
    assert result.text == "Really?"
    assert scene.kettle.requests == []


def test_a_skill_that_fails_is_an_error(scene: Scene) -> None:
    scene.kettle.fails = RuntimeError("burnt")
    with pytest.raises(SkillError, match="burnt"):
        scene.dialogue.toolbox.call(Turn("a"), ToolCall("kettle_on", {"minutes": 1}))
