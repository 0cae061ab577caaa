"""A slow board gets short answers, fewer passages and a filler; a fast one does not."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgebot.core.knowledge import Passage
from edgebot.core.language import GenerationStats
from edgebot.nlg.pace import Limits, Pace


def observed(prefill_tps: float, decode_tps: float, file: Path | None = None) -> Pace:
    pace = Pace(file)
    pace.observe(
        GenerationStats(
            prompt_tokens=100,
            prefill_s=100 / prefill_tps,
            reply_tokens=50,
            decode_s=50 / decode_tps,
        )
    )
    return pace


def passage(size: int) -> Passage:
    return Passage(id=size, title="", source="", text="x" * size, score=1, bm25=1, cosine=1)


def test_a_fast_board_gets_the_whole_reply_at_once() -> None:
    budget = observed(500, 40).budget(50, Limits(max_tokens=96))
    assert (budget.max_tokens, budget.filler) == (96, False)


def test_a_slow_board_gets_a_shorter_reply_and_a_filler() -> None:
    budget = observed(20, 4).budget(100, Limits(max_tokens=96, deadline_s=20))
    assert budget.filler
    assert budget.max_tokens == pytest.approx((20 - 5) * 4, abs=1)


def test_there_is_always_room_for_one_sentence() -> None:
    assert observed(1, 1).budget(500, Limits()).max_tokens == 24


def test_no_filler_before_anything_was_measured() -> None:
    assert not Pace().budget(2000, Limits()).filler


def test_passages_fit_the_reading_time_but_one_is_always_read() -> None:
    limits = Limits(reading_s=2)
    passages = [passage(1000), passage(1000), passage(1000)]
    assert len(observed(1000, 40).affordable(passages, limits)) == 3
    assert len(observed(250, 40).affordable(passages, limits)) == 2
    assert len(observed(10, 40).affordable(passages, limits)) == 1
    assert observed(10, 40).affordable([], limits) == []


def test_speeds_are_running_means_and_small_samples_do_not_count() -> None:
    pace = observed(100, 10)
    pace.observe(GenerationStats(prompt_tokens=200, prefill_s=1, reply_tokens=20, decode_s=1))
    assert 100 < pace.prefill_tps < 200
    assert 10 < pace.decode_tps < 20
    before = (pace.prefill_tps, pace.decode_tps)
    pace.observe(
        GenerationStats(
            prompt_tokens=100, reused_tokens=98, prefill_s=9, reply_tokens=1, decode_s=9
        )
    )
    assert (pace.prefill_tps, pace.decode_tps) == before


def test_speeds_are_remembered(tmp_path: Path) -> None:
    file = tmp_path / "deep" / "pace.json"
    observed(77, 7, file).save()
    again = Pace(file)
    assert again.measured
    assert (again.prefill_tps, again.decode_tps) == (pytest.approx(77), pytest.approx(7))


@pytest.mark.parametrize(
    "text", ["", "{", "[]", '{"prefill_tps": "x"}', '{"prefill_tps": 0, "decode_tps": 1}']
)
def test_a_damaged_memory_is_ignored(tmp_path: Path, text: str) -> None:
    file = tmp_path / "pace.json"
    file.write_text(text)
    assert not Pace(file).measured


def test_a_disk_that_cannot_be_written_is_no_failure(tmp_path: Path) -> None:
    blocker = tmp_path / "file"
    blocker.write_text("")
    observed(10, 10, None).save()
    pace = observed(10, 10)
    pace._file = blocker / "pace.json"
    pace.save()
