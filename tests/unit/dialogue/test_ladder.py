"""The ladder: order, thresholds, records, rungs that fail."""

from __future__ import annotations

from typing import Any

import pytest

from edgebot.core.errors import Cancelled, EngineError
from edgebot.core.nlu import NluContext
from edgebot.core.turn import Turn
from edgebot.dialogue.acts import Declined, Offer, Say, Tell
from edgebot.dialogue.hearing import Hearing
from edgebot.dialogue.ladder import Ladder
from edgebot.dialogue.session import State


class Step:
    def __init__(
        self, name: str, answer: Any, threshold: float = 0.0, last_resort: bool = False
    ) -> None:
        self.name = name
        self.last_resort = last_resort
        self.threshold = threshold
        self._answer = answer
        self.asked = 0

    def ask(self, hearing: Hearing) -> Offer | Declined:
        self.asked += 1
        if isinstance(self._answer, Exception):
            raise self._answer
        return self._answer


def climb(*steps: Step) -> Any:
    ticks = iter(range(1000))
    hearing = Hearing(Turn(), "hello", State(), NluContext())
    return Ladder(steps, clock=lambda: float(next(ticks))).climb(hearing)


def test_the_first_offer_is_taken_and_nobody_below_is_asked() -> None:
    below = Step("below", Offer(Tell("b"), 1.0))
    decision, act = climb(
        Step("above", Declined("not mine")), Step("mine", Offer(Tell("a"), 0.7)), below
    )
    assert act == Tell("a")
    assert below.asked == 0
    assert [(r.rung, r.score, r.reason) for r in decision.rungs] == [
        ("above", None, "not mine"),
        ("mine", 0.7, ""),
    ]


def test_each_rung_is_timed() -> None:
    decision, _ = climb(Step("a", Declined("no")), Step("b", Offer(Tell("b"), 1.0)))
    assert [rung.ms for rung in decision.rungs] == [1000.0, 1000.0]


def test_an_offer_below_the_threshold_is_recorded_and_passed_over() -> None:
    decision, act = climb(
        Step("guess", Offer(Tell("a"), 0.59, reason="timer_set"), threshold=0.6),
        Step("sure", Offer(Tell("b"), 0.6), threshold=0.6),
    )
    assert act == Tell("b")
    assert decision.rungs[0].score == 0.59
    assert decision.rungs[0].reason == "timer_set; below the threshold of 0.6"


def test_the_decision_is_that_of_the_offer() -> None:
    offer = Offer(
        Tell("a"),
        0.8,
        route="knowledge",
        intent="capital",
        slots={"country": "France"},
        sources=("a.md",),
    )
    decision, _ = climb(Step("kb", offer))
    assert decision.route == "knowledge"
    assert decision.intent == "capital"
    assert decision.slots == {"country": "France"}
    assert decision.sources == ("a.md",)


def test_nobody_knows() -> None:
    decision, act = climb(Step("a", Declined("no")), Step("b", Declined("no")))
    assert act == Say("repair.unknown")
    assert decision.route == "repair"
    assert decision.rungs[-1].rung == "repair"


def test_an_empty_ladder_ends_in_repair() -> None:
    assert climb()[1] == Say("repair.unknown")


@pytest.mark.parametrize("error", [EngineError("no memory"), ZeroDivisionError("bug")])
def test_a_rung_that_raises_counts_as_declined(error: Exception) -> None:
    decision, act = climb(Step("bad", error), Step("good", Offer(Tell("b"), 1.0)))
    assert act == Tell("b")
    assert decision.rungs[0].score is None
    assert str(error) in decision.rungs[0].reason


def test_when_a_rung_failed_and_nobody_else_can_it_is_an_apology() -> None:
    _, act = climb(Step("bad", EngineError("no memory")), Step("other", Declined("no")))
    assert act == Say("repair.failed")


def test_a_cancelled_turn_is_no_failure_of_a_rung() -> None:
    with pytest.raises(Cancelled):
        climb(Step("a", Cancelled("stop")))


def test_an_offer_that_stands_by_gives_way_to_a_better_one() -> None:
    decision, act = climb(
        Step("memory", Offer(Tell("nothing was said about it"), 0.8, stands_by=True)),
        Step("documents", Offer(Tell("it is in a document"), 0.9)),
    )
    assert act == Tell("it is in a document")
    assert decision.rungs[0].reason.endswith("stands by")


def test_an_offer_that_stands_by_comes_before_the_last_resort() -> None:
    talker = Step("llm", Offer(Tell("made up"), 0.5), last_resort=True)
    _, act = climb(
        Step("memory", Offer(Tell("nothing was said about it"), 0.8, stands_by=True)),
        Step("documents", Declined("no passage")),
        talker,
    )
    assert act == Tell("nothing was said about it")
    assert talker.asked == 0


def test_an_offer_that_stands_by_is_better_than_repair() -> None:
    _, act = climb(Step("memory", Offer(Tell("nothing"), 0.8, stands_by=True)))
    assert act == Tell("nothing")
