"""Every conversation in this folder goes as it is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conversations.stage import Conversation, Stage, conversations, matches, same

ALL = list(conversations())


@pytest.mark.parametrize("conversation", ALL, ids=[f"{c.file}: {c.name}" for c in ALL])
def test_goes_as_written(conversation: Conversation, tmp_path: Path) -> None:
    stage = Stage(tmp_path / "state", conversation.language, conversation.now)
    try:
        for step in conversation.steps:
            stage.play(step)
    finally:
        stage.close()


def test_there_are_enough_and_no_two_are_the_same() -> None:
    assert len(ALL) >= 120
    assert sum(one.exchanges > 1 for one in ALL) >= 30
    assert len({(one.file, one.name) for one in ALL}) == len(ALL)
    assert {one.language for one in ALL} == {"de", "en"}


@pytest.mark.parametrize(
    ("pattern", "said", "fits"),
    [
        ("ten minutes", "Timer set for TEN minutes.", True),
        ("ten … left", "Ten minutes left.", True),
        ("OK | Done", "Done.", True),
        ("eleven", "Ten minutes.", False),
        ("left … ten", "Ten minutes left.", False),
        ("a.c", "abc", False),
    ],
)
def test_patterns_can_fail(pattern: str, said: str, fits: bool) -> None:
    assert matches(pattern, said) is fits


def test_values_can_differ() -> None:
    assert same({"at": "2026-03-28T06:30:00+01:00"}, "2026-03-28 06:30")
    assert not same({"at": "2026-03-28T06:30:00+01:00"}, "2026-03-28 07:30")
    assert not same({"days": [0]}, {"days": [1]})
    assert not same(600, 60)
