"""Every intent by voice: template, our own voice, noise, recogniser with the grammar, intent."""

from __future__ import annotations

import pytest

from benchmarks.spoken import Heard, loop
from edgebot.nlu.sentence_files import own_sentences
from edgebot.runtime.wiring import Assembly

pytestmark = [pytest.mark.engines, pytest.mark.slow]

SNR_DB = 18.0
"""A quiet room with a fan in it."""

RIGHT = 0.85
"""Least share of first sentences understood; 0.92 when this was written."""

TRIES = 5


@pytest.fixture(scope="module")
def heard(assembly: Assembly) -> list[Heard]:
    return loop(assembly, 1, SNR_DB)


def test_the_loop_goes_over_every_intent(heard: list[Heard]) -> None:
    assert {one.said.intent for one in heard} == set(own_sentences("en").intents)


def test_most_are_understood_at_once(heard: list[Heard]) -> None:
    wrong = [(one.said.text, one.text, one.intent) for one in heard if not one.right]
    assert len(wrong) <= (1 - RIGHT) * len(heard), wrong


def test_no_intent_is_deaf(assembly: Assembly, heard: list[Heard]) -> None:
    lost = {one.said.intent for one in heard if not one.right}
    for seed in range(1, TRIES):
        if lost:
            again = loop(assembly, 1, SNR_DB, seed, sorted(lost))
            lost -= {one.said.intent for one in again if one.right}
    assert not lost


def test_the_loop_can_fail(assembly: Assembly) -> None:
    """In noise as loud as ten voices nothing is understood: the loop really listens."""
    intents = ["timer_set", "time_now", "list_add", "volume_up", "alarm_set"]
    drowned = loop(assembly, 1, -20.0, intents=intents)
    assert sum(one.right for one in drowned) <= 1
