"""The linear scheme: what must hold for whatever numbers, and what it says in known cases."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from edgebot.build.linear import Scheme, errors, fit, quantize, round_to
from edgebot.core.errors import EngineError, UsageError

NUMBERS = arrays.arrays(
    np.float32,
    arrays.array_shapes(min_dims=2, max_dims=3, max_side=9),
    elements=st.floats(-1e6, 1e6, width=32),
)
SCHEMES = st.builds(
    Scheme,
    bits=st.integers(2, 8),
    symmetric=st.booleans(),
    signed=st.booleans(),
    sharing=st.sampled_from(["tensor", "channel", "block"]),
    axis=st.integers(0, 1),
    block=st.integers(1, 5),
    full_range=st.booleans(),
)


@settings(max_examples=150, deadline=None)
@given(NUMBERS, SCHEMES)
def test_no_number_is_further_off_than_a_step(numbers, scheme):
    quantized = quantize(numbers, scheme)
    told = quantized.numbers()
    low, high = scheme.limits
    assert told.shape == numbers.shape
    assert quantized.integers.min() >= low
    assert quantized.integers.max() <= high
    # Half a step by rounding; half a step more where the zero point was rounded at an end.
    slack = 0.5 if scheme.symmetric and scheme.signed and not scheme.full_range else 1.0
    pieces = quantized.grid.scale * np.ones(quantized.integers.shape)
    assert np.abs(numbers - told).max() <= (slack + 1e-9) * pieces.max() * (1 + 1e-6)


@settings(max_examples=100, deadline=None)
@given(NUMBERS, SCHEMES)
def test_zero_is_told_exactly(numbers, scheme):
    numbers = numbers.copy()
    numbers.flat[0] = 0.0
    assert quantize(numbers, scheme).numbers().flat[0] == 0.0


@settings(max_examples=80, deadline=None)
@given(NUMBERS, SCHEMES)
def test_what_lies_on_the_grid_stays(numbers, scheme):
    quantized = quantize(numbers, scheme)
    pieces = quantized.grid.scale * (quantized.integers - quantized.grid.zero_point)
    assert (round_to(pieces, quantized.grid, scheme) == quantized.integers).all()


@settings(max_examples=60, deadline=None)
@given(NUMBERS, st.integers(2, 7), st.booleans())
def test_a_finer_sharing_is_never_worse_by_more_than_its_step(numbers, bits, symmetric):
    scales = [
        quantize(numbers, Scheme(bits, symmetric, sharing=sharing, axis=0, block=64)).grid.scale
        for sharing in ("tensor", "channel")
    ]
    used = scales[1][scales[1] != 1.0]  # channels of nothing but zeros have no step
    assert (used <= scales[0].max() * (1 + 1e-9)).all()


def test_the_known_case_of_both_readings():
    numbers = np.array([[-1.0, 0.0, 2.0]])
    symmetric = quantize(numbers, Scheme(8, symmetric=True))
    assert symmetric.grid.scale.item() == pytest.approx(2 / 127)
    assert symmetric.grid.zero_point.item() == 0
    assert symmetric.integers.tolist() == [[-64, 0, 127]]
    asymmetric = quantize(numbers, Scheme(8, symmetric=False, signed=False))
    assert asymmetric.grid.scale.item() == pytest.approx(3 / 255)
    assert asymmetric.grid.zero_point.item() == 85
    assert asymmetric.integers.tolist() == [[0, 85, 255]]


def test_numbers_of_one_sign_are_better_off_with_a_zero_point():
    numbers = np.random.default_rng(0).uniform(0, 1, 4000)
    worse = errors(numbers, quantize(numbers, Scheme(6, symmetric=True)).numbers())
    better = errors(numbers, quantize(numbers, Scheme(6, symmetric=False)).numbers())
    assert better.sqnr_db > worse.sqnr_db + 5.5  # one bit: 6.02 dB


def test_each_bit_is_worth_six_decibels():
    numbers = np.random.default_rng(1).uniform(-1, 1, 20_000)
    ratios = [errors(numbers, quantize(numbers, Scheme(bits)).numbers()).sqnr_db for bits in (6, 7)]
    assert ratios[1] - ratios[0] == pytest.approx(6.02, abs=0.25)


def test_an_outlier_spoils_its_channel_or_block_only():
    numbers = np.random.default_rng(2).normal(0, 1, (8, 64))
    numbers[3, 5] = 500.0
    by = {
        sharing: errors(numbers, quantize(numbers, Scheme(8, sharing=sharing, axis=axis)).numbers())
        for sharing, axis in (("tensor", 0), ("channel", 0), ("block", 1))
    }
    assert by["tensor"].mean_squared > 5 * by["channel"].mean_squared
    assert by["channel"].mean_squared > 1.5 * by["block"].mean_squared


def test_blocks_that_do_not_fill_the_axis_and_what_they_take():
    numbers = np.random.default_rng(3).normal(0, 1, (3, 70))
    quantized = quantize(numbers, Scheme(4, sharing="block", axis=1, block=32))
    assert quantized.integers.shape == (3, 3, 32)
    assert quantized.numbers().shape == (3, 70)
    assert quantized.bits_per_number == pytest.approx(4 + 32 * 9 / 210)


def test_nothing_but_zeros_and_no_numbers_at_all():
    assert (quantize(np.zeros((4, 4)), Scheme(sharing="channel")).numbers() == 0).all()
    assert errors(np.zeros(3), np.zeros(3)).sqnr_db == np.inf
    assert errors(np.zeros(3), np.ones(3)).sqnr_db == -np.inf
    assert quantize(np.zeros((0, 4)), Scheme()).numbers().shape == (0, 4)


@pytest.mark.parametrize("wrong", [np.nan, np.inf, -np.inf])
def test_numbers_that_are_none_are_refused(wrong):
    with pytest.raises(EngineError, match=r"1 of 4 numbers .* damaged"):
        quantize(np.array([1.0, wrong, 2.0, 3.0]), Scheme())


def test_schemes_that_make_no_sense():
    for wrong in ({"bits": 1}, {"bits": 17}, {"block": 0}):
        with pytest.raises(UsageError):
            Scheme(**wrong)
    with pytest.raises(UsageError, match="no axis 2"):
        quantize(np.zeros((2, 2)), Scheme(sharing="block", axis=2))


def test_it_is_the_arithmetic_of_onnxruntime():
    quant = pytest.importorskip("onnxruntime.quantization.quant_utils")
    rng = np.random.default_rng(4)
    for symmetric in (True, False):
        numbers = rng.normal(0.3, 1, 500).astype(np.float32)
        scheme = Scheme(8, symmetric)
        low, high = (np.array(limit, np.int8) for limit in scheme.limits)
        zero, scale = quant.compute_scale_zp(
            numbers.min(), numbers.max(), low, high, symmetric=symmetric
        )
        grid = fit(numbers.astype(np.float64), scheme)
        assert grid.scale.item() == pytest.approx(float(scale), rel=1e-6)
        assert grid.zero_point.item() == int(zero)
