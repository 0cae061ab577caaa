from __future__ import annotations

import pytest

from edgebot.core.cancel import Cancellation
from edgebot.core.errors import Cancelled, ConfigError, EdgebotError
from edgebot.core.registry import Registry
from edgebot.core.turn import Turn


class Clock:
    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_marks_measure_from_the_first_time_they_were_taken() -> None:
    clock = Clock()
    turn = Turn(clock=clock)
    clock.now_s += 0.25
    turn.mark("end_of_speech")
    clock.now_s += 0.5
    turn.mark("first_audio")
    clock.now_s += 5
    turn.mark("first_audio")
    assert turn.between_ms("end_of_speech", "first_audio") == pytest.approx(500)
    assert turn.between_ms("end_of_speech", "done") is None
    assert turn.marks_ms() == pytest.approx(
        {"start": 0.0, "end_of_speech": 250.0, "first_audio": 750.0}
    )


def test_cancellation_calls_back_once_and_at_once_when_late() -> None:
    cancellation = Cancellation()
    calls: list[str] = []
    cancellation.on_cancel(lambda: calls.append("early"))
    cancellation.raise_if_set()
    cancellation.cancel()
    cancellation.cancel()
    cancellation.on_cancel(lambda: calls.append("late"))
    assert calls == ["early", "late"]
    with pytest.raises(Cancelled):
        cancellation.raise_if_set()


def test_registry_imports_by_name_and_lists_the_known_ones() -> None:
    registry = Registry("clock", {"turn": "edgebot.core.turn:Turn", "other": "nowhere:Nothing"})
    assert registry.load("turn") is Turn
    with pytest.raises(ConfigError, match=r"no clock is called 'turm' \(did you mean 'turn'\?\)"):
        registry.load("turm")


def test_every_error_has_an_exit_code() -> None:
    import edgebot.core.errors as tree

    kinds = [kind for kind in vars(tree).values() if isinstance(kind, type)]
    assert all(issubclass(kind, EdgebotError) for kind in kinds)
    assert {kind.exit_code for kind in kinds} == {1, 2, 3, 78, 130}
