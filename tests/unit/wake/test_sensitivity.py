"""One setting for every model, whatever range of scores it lives in."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from edgebot.wake.sensitivity import sensitivity_of, threshold

shipped_thresholds = st.floats(min_value=0.05, max_value=0.99)
settings = st.floats(min_value=0.0, max_value=1.0)


@given(shipped_thresholds)
def test_the_middle_is_what_the_authors_ship(shipped: float) -> None:
    assert abs(threshold(shipped, 0.5) - shipped) < 1e-9


@given(shipped_thresholds, settings, settings)
def test_keener_means_a_lower_threshold(shipped: float, one: float, other: float) -> None:
    low, high = sorted((one, other))
    assert 0.0 < threshold(shipped, high) <= threshold(shipped, low) < 1.0


@given(shipped_thresholds, settings)
def test_there_and_back(shipped: float, sensitivity: float) -> None:
    assert abs(sensitivity_of(shipped, threshold(shipped, sensitivity)) - sensitivity) < 1e-6


@given(shipped_thresholds, st.floats(min_value=-1e9, max_value=1e9))
def test_what_is_out_of_range_counts_as_its_end(shipped: float, sensitivity: float) -> None:
    clamped = min(1.0, max(0.0, sensitivity))
    assert threshold(shipped, sensitivity) == threshold(shipped, clamped)


def test_scores_beyond_any_threshold() -> None:
    assert sensitivity_of(0.9, 1.0) == 0.0
    assert sensitivity_of(0.9, 0.0) == 1.0
