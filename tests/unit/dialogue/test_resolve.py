"""From what was said to what is to be done: it, corrections, follow-ups."""

from __future__ import annotations

from typing import Any

import pytest

from edgebot.core.nlu import Parse
from edgebot.dialogue.resolve import Resolver, Unresolved
from edgebot.dialogue.session import Call, Change, State
from edgebot.dialogue.skill import Intent, Outcome, Request, Slot, Topic
from edgebot.dialogue.skillset import SkillSet
from tests.unit.dialogue.fakes import FakeClock, FakeReader

TIMER = Topic("timer", {"timer_id": 3}, {"cancel": "timer_cancel"})
NOON = {
    "at": "2024-05-15T12:00:00+02:00",
    "has_date": True,
    "has_time": True,
    "ambiguous_half_day": False,
    "past": False,
}


class Things:
    name = "things"
    intents = (
        Intent("timer_set", "", (Slot("duration", "duration"), Slot("label", "name"))),
        Intent("timer_cancel", ""),
        Intent("remind", "", (Slot("text", "text"), Slot("moment", "moment"))),
        Intent("add", "", (Slot("items", "item_list"),)),
        Intent("volume", "", (Slot("percent", "percent"),)),
        Intent("clock", "", (Slot("place", "text"),), follow_up="place"),
    )

    def handle(self, request: Request) -> Outcome:
        raise NotImplementedError


@pytest.fixture
def reader() -> FakeReader:
    return FakeReader()


@pytest.fixture
def resolver(reader: FakeReader) -> Resolver:
    return Resolver(SkillSet([Things()]), reader, FakeClock())


def said(intent: str, text: str = "", /, **slots: Any) -> Parse:
    return Parse(text, intent, slots, 1.0, "template")


def after(intent: str, topic: Topic | None = TIMER, **slots: Any) -> State:
    call = Call(intent, slots)
    return State(topic=topic, last_call=call, last_change=Change(call, topic))


def test_a_plain_command_is_itself(resolver: Resolver) -> None:
    assert resolver.call(said("timer_set", duration=60), State()) == Call(
        "timer_set", {"duration": 60}
    )


def test_it_is_what_was_spoken_of(resolver: Resolver) -> None:
    call = resolver.call(said("cancel_it"), State(topic=TIMER))
    assert call == Call("timer_cancel", {"timer_id": 3})


@pytest.mark.parametrize("state", [State(), State(topic=Topic("clock"))])
def test_it_is_nothing(resolver: Resolver, state: State) -> None:
    with pytest.raises(Unresolved) as caught:
        resolver.call(said("cancel_it"), state)
    assert caught.value.reply == "topic.none"


def test_another_length_instead(resolver: Resolver) -> None:
    call = resolver.call(
        said("correct", duration=900), after("timer_set", duration=600, label="tea")
    )
    assert call == Call("timer_set", {"duration": 900, "label": "tea"}, corrects=TIMER)


@pytest.mark.parametrize(
    ("was", "number", "now"), [(600, 15, 900), (7200, 3, 10_800), (45, 50, 50)]
)
def test_a_bare_number_is_in_the_same_unit(
    resolver: Resolver, was: int, number: int, now: int
) -> None:
    call = resolver.call(said("correct", number=number), after("timer_set", duration=was))
    assert call.slots["duration"] == now


def test_a_number_that_was_read_as_a_clock_time(resolver: Resolver, reader: FakeReader) -> None:
    reader.teach("number", "no twenty", 20)
    call = resolver.call(
        said("correct", "no twenty", moment=NOON), after("timer_set", duration=600)
    )
    assert call.slots["duration"] == 1200


def test_another_day_keeps_the_time(resolver: Resolver) -> None:
    friday = {**NOON, "at": "2024-05-17T00:00:00+02:00", "has_time": False}
    call = resolver.call(said("correct", moment=friday), after("remind", text="call", moment=NOON))
    assert call.slots["moment"]["at"] == "2024-05-17T12:00:00+02:00"
    assert call.slots["text"] == "call"


def test_another_time_keeps_the_day(resolver: Resolver) -> None:
    three = {**NOON, "at": "2024-05-14T15:00:00+02:00", "has_date": False}
    call = resolver.call(said("correct", moment=three), after("remind", text="call", moment=NOON))
    assert call.slots["moment"]["at"] == "2024-05-15T15:00:00+02:00"


def test_other_words_are_read_as_what_they_replace(resolver: Resolver, reader: FakeReader) -> None:
    reader.teach("item_list", "oat milk and rye", ["oat milk", "rye"])
    call = resolver.call(said("correct", text="oat milk and rye"), after("add", items=["milk"]))
    assert call.slots["items"] == ["oat milk", "rye"]


def test_a_question_in_between_does_not_matter(resolver: Resolver) -> None:
    state = after("timer_set", duration=600)
    asked = State(last_call=Call("clock", {}), last_change=state.last_change)
    call = resolver.call(said("correct", duration=900), asked)
    assert call.intent == "timer_set"


def test_what_does_not_fit_is_not_put_right(resolver: Resolver) -> None:
    with pytest.raises(Unresolved, match="nothing was done"):
        resolver.call(said("correct", percent=50), after("timer_set", duration=600))


def test_the_same_about_another_place(resolver: Resolver) -> None:
    call = resolver.call(said("follow_up", text="paris"), after("clock", None, place="tokyo"))
    assert call == Call("clock", {"place": "paris"})


@pytest.mark.parametrize(
    ("state", "why"),
    [
        (State(), "nothing was asked"),
        (State(last_call=Call("timer_set", {})), "cannot be asked about something else"),
    ],
)
def test_follow_ups_of_nothing(resolver: Resolver, state: State, why: str) -> None:
    with pytest.raises(Unresolved, match=why):
        resolver.call(said("follow_up", text="paris"), state)
