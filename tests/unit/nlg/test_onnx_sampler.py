"""Choosing tokens from scores: greedy, penalised, cut off, repeatable."""

from __future__ import annotations

import numpy as np
import pytest

from edgebot.core.errors import EngineError
from edgebot.core.language import Generation
from edgebot.nlg.onnx_sampler import OnnxSampler


def sampler(scores: list[float], **options: object) -> OnnxSampler:
    wanted = {"temperature": 1.0, "repeat_penalty": 1.0, "top_p": 1.0, "min_p": 0.0, **options}
    array = np.array(scores, np.float32)
    return OnnxSampler(lambda: array, Generation(**wanted))  # type: ignore[arg-type]


def test_greedy_takes_the_likeliest() -> None:
    assert sampler([0, 3, 1, 2.9], temperature=0.0).sample() == 1


def test_what_was_said_is_less_likely() -> None:
    greedy = sampler([2.0, 1.9, -5], temperature=0.0, repeat_penalty=1.2)
    assert [greedy.sample() for _ in range(4)] == [0, 1, 0, 0]


def test_a_negative_score_is_penalised_downwards() -> None:
    greedy = sampler([-1.0, -1.1], temperature=0.0, repeat_penalty=1.5)
    assert [greedy.sample() for _ in range(2)] == [0, 1]


def test_shares_are_those_of_the_scores() -> None:
    shares = [0.5, 0.3, 0.2]
    chosen = sampler([float(np.log(share)) for share in shares], seed=1)
    found = np.bincount([chosen.sample() for _ in range(4000)], minlength=3) / 4000
    assert np.abs(found - shares).max() < 0.03


def test_top_p_and_min_p_cut_the_tail() -> None:
    scores = [float(np.log(share)) for share in (0.5, 0.3, 0.15, 0.05)]
    assert {sampler(scores, top_p=0.6, seed=at).sample() for at in range(60)} == {0, 1}
    assert {sampler(scores, min_p=0.2, seed=at).sample() for at in range(60)} == {0, 1, 2}
    assert {sampler(scores, top_p=1e-6, seed=at).sample() for at in range(9)} == {0}


def test_only_the_likeliest_forty_are_asked() -> None:
    scores = [1.0] * 40 + [0.99] * 60
    assert max(sampler(scores, seed=at).sample() for at in range(200)) < 40


def test_seeds_repeat() -> None:
    def told(seed: int) -> list[int]:
        chosen = sampler([0.1 * at for at in range(30)], seed=seed)
        return [chosen.sample() for _ in range(20)]

    assert told(1) == told(1)
    assert told(1) != told(2)


@pytest.mark.parametrize("scores", [[1.0, float("nan")], [float("inf"), 0], [float("-inf")] * 3])
def test_scores_that_are_no_numbers(scores: list[float]) -> None:
    with pytest.raises(EngineError, match="NaN"):
        sampler(scores).sample()


def test_grammars_are_refused() -> None:
    with pytest.raises(EngineError, match="no grammars"):
        sampler([1.0], grammar="root ::= []")
