"""Endpointing counts samples: these tests have no clock."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edgebot.runtime.endpointing import Endpointer, EndpointLimits, Event, Said

CHUNK = 512
CHUNK_MS = 32.0


def feed(endpointer: Endpointer, *parts: tuple[float, float]) -> list[tuple[Event, float]]:
    """Feed (probability, milliseconds) pairs; events with the time they came at."""
    seen, clock_ms = [], 0.0
    for probability, length_ms in parts:
        for _ in range(round(length_ms / CHUNK_MS)):
            clock_ms += CHUNK_MS
            for event in endpointer.accept(probability, CHUNK):
                seen.append((event, clock_ms))
                if event in (Event.ENDED, Event.NOTHING):
                    return seen
    return seen


def names(events: list[tuple[Event, float]]) -> list[str]:
    return [event.name for event, _ in events]


def answering(*answers: float) -> Callable[[], float]:
    queue = list(answers)
    return lambda: queue.pop(0) if len(queue) > 1 else queue[0]


@pytest.mark.parametrize(
    ("said", "sounds", "least_ms", "most_ms"),
    [
        (Said.WHOLE, 0.99, 160, 192),
        (Said.WHOLE, 0.9, 160, 192),
        (Said.WHOLE, 0.1, 480, 512),
        (Said.UNKNOWN, 0.99, 160, 192),
        (Said.UNKNOWN, 0.9, 1200, 1232),
        (Said.UNKNOWN, 0.1, 1200, 1232),
        (Said.TALK, 0.99, 160, 192),
        (Said.TALK, 0.9, 640, 672),
        (Said.TALK, 0.1, 1200, 1232),
        (Said.OPEN, 0.99, 1200, 1232),
        (Said.OPEN, 0.1, 1200, 1232),
    ],
)
def test_words_and_voice_together_tell_how_long_a_person_may_pause(
    said: Said, sounds: float, least_ms: float, most_ms: float
) -> None:
    endpointer = Endpointer(finished=answering(sounds), said=lambda: said)
    events = feed(endpointer, (0.0, 320), (0.9, 1600), (0.0, 3000))
    assert names(events) == ["STARTED", "PAUSED", "ENDED"]
    assert least_ms <= events[-1][1] - (320 + 1600) <= most_ms


def test_words_may_be_understood_during_the_pause() -> None:
    understood = iter([Said.UNKNOWN] * 5 + [Said.WHOLE] * 50)
    endpointer = Endpointer(finished=answering(0.9), said=lambda: next(understood))
    events = feed(endpointer, (0.9, 1600), (0.0, 3000))
    assert names(events) == ["STARTED", "PAUSED", "ENDED"]
    assert 160 < events[-1][1] - 1600 < 400


def test_without_a_turn_detector_the_words_decide() -> None:
    for said, ends_ms in ((Said.WHOLE, 480), (Said.UNKNOWN, 1200), (Said.OPEN, 1200)):
        events = feed(Endpointer(said=lambda said=said: said), (0.9, 1600), (0.0, 3000))
        assert events[-1][1] - 1600 == pytest.approx(ends_ms, abs=32)


def test_an_unfinished_sentence_gets_its_time() -> None:
    events = feed(Endpointer(finished=answering(0.1)), (0.9, 1600), (0.0, 3000))
    assert names(events) == ["STARTED", "PAUSED", "ENDED"]
    assert 1150 <= events[-1][1] - 1600 <= 1250


def test_it_is_asked_again_while_the_pause_lasts() -> None:
    limits = EndpointLimits(ask_again_ms=200)
    events = feed(Endpointer(limits, answering(0.1, 0.1, 0.99)), (0.9, 1600), (0.0, 3000))
    assert 550 <= events[-1][1] - 1600 <= 700


def test_a_probability_that_falls_slowly_is_silence_sooner_than_one_that_rises_is_speech() -> None:
    endpointer = Endpointer(finished=answering(0.99))
    events = feed(endpointer, (0.9, 1600), (0.6, 96), (0.5, 96), (0.0, 2000))
    assert events[-1] == (Event.ENDED, pytest.approx(1600 + 160, abs=32))
    begins = feed(Endpointer(), (0.55, 32), (0.4, 64))
    assert names(begins) == ["STARTED"]


def test_going_on_after_a_pause() -> None:
    endpointer = Endpointer(finished=answering(0.1, 0.99))
    events = feed(endpointer, (0.9, 960), (0.0, 320), (0.9, 960), (0.0, 1000))
    assert names(events) == ["STARTED", "PAUSED", "RESUMED", "PAUSED", "ENDED"]


def test_a_click_is_no_speech_and_nobody_is_waited_for_only_so_long() -> None:
    events = feed(Endpointer(), (0.9, 64), (0.0, 5000))
    assert names(events) == ["NOTHING"]
    assert events[0][1] == pytest.approx(4000, abs=32)


def test_an_endless_voice_is_cut() -> None:
    limits = EndpointLimits(longest_ms=5000)
    events = feed(Endpointer(limits), (0.9, 20_000))
    assert names(events) == ["STARTED", "ENDED"]
    assert events[-1][1] == pytest.approx(5000, abs=64)


def test_where_speech_began_and_last_was() -> None:
    endpointer = Endpointer(finished=answering(0.99))
    feed(endpointer, (0.0, 320), (0.9, 640), (0.0, 1000))
    assert endpointer.started_at == 10 * CHUNK
    assert endpointer.last_speech_at == 30 * CHUNK


@given(st.lists(st.floats(0, 1), max_size=600), st.floats(0, 1))
def test_events_alternate_and_nothing_follows_the_end(
    probabilities: list[float], finished: float
) -> None:
    endpointer = Endpointer(finished=lambda: finished)
    seen = feed(endpointer, *((probability, CHUNK_MS) for probability in probabilities))
    order = names(seen)
    assert order.count("STARTED") <= 1
    assert order[:1] in ([], ["STARTED"], ["NOTHING"])
    turns = [name for name in order if name in ("PAUSED", "RESUMED")]
    assert turns == ["PAUSED", "RESUMED"] * (len(turns) // 2) + ["PAUSED"] * (len(turns) % 2)
