"""Linear quantization, as a reference to explain and to check others by.

A number ``r`` is kept as an integer ``q`` on an even grid (Jacob et al., "Quantization and training
of neural networks for efficient integer-arithmetic-only inference", 2018,
https://arxiv.org/abs/1712.05877)::

    q = round(r / s) + z        r ≈ s · (q − z)

``s`` is the scale, ``z`` the zero point: the integer that stands for 0.0 exactly. In the symmetric
reading ``z`` is 0 (or the middle of an unsigned range) and the grid reaches as far down as up; in
the asymmetric reading it is laid between the least and the largest number, 0 included. Numbers
share a grid by tensor, by channel (each slice along an axis) or by block (pieces of a channel).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

import numpy as np
import numpy.typing as npt

from edgebot.core.errors import EngineError, UsageError

Numbers: TypeAlias = npt.NDArray[np.floating[Any]]
Integers: TypeAlias = npt.NDArray[np.int64]

Sharing = Literal["tensor", "channel", "block"]


@dataclass(frozen=True, slots=True)
class Scheme:
    """How a tensor is quantized."""

    bits: int = 8
    symmetric: bool = True
    signed: bool = True
    """Integers from −2^(bits−1) on; otherwise from 0 on."""

    sharing: Sharing = "tensor"
    axis: int = 0
    """The axis along which channels lie (``channel``), or which is cut into blocks (``block``)."""

    block: int = 32
    """Numbers a block."""

    full_range: bool = False
    """Symmetric and signed: use −2^(bits−1) too, which has no counterpart above."""

    def __post_init__(self) -> None:
        if not 2 <= self.bits <= 16:
            raise UsageError(f"{self.bits} bits: linear quantization takes 2 to 16")
        if self.block < 1:
            raise UsageError(f"a block of {self.block} numbers makes no sense; take 32")

    @property
    def limits(self) -> tuple[int, int]:
        """Least and largest integer."""
        if not self.signed:
            return 0, 2**self.bits - 1
        half = 2 ** (self.bits - 1)
        return (-half if self.full_range or not self.symmetric else 1 - half), half - 1


@dataclass(frozen=True, slots=True)
class Grid:
    """Scales and zero points, of shapes that the tensor (or its blocks) can be divided by."""

    scale: npt.NDArray[np.float64]
    zero_point: Integers


@dataclass(frozen=True, slots=True)
class Quantized:
    """A tensor on its grid."""

    scheme: Scheme
    shape: tuple[int, ...]
    grid: Grid
    integers: Integers
    """As ``shape``; by block: (…, blocks, block), the cut axis moved to the end."""

    def numbers(self) -> npt.NDArray[np.float64]:
        """The numbers that the integers stand for: ``s · (q − z)``, of the tensor's shape."""
        values = self.grid.scale * (self.integers - self.grid.zero_point)
        return _joined(values, self.scheme, self.shape)

    @property
    def bits_per_number(self) -> float:
        """With what the grid itself takes (a 32-bit scale, a zero point where there is one)."""
        grids = self.grid.scale.size * (32 + (0 if self.scheme.symmetric else self.scheme.bits))
        return self.scheme.bits + grids / max(1, int(np.prod(self.shape)))


@dataclass(frozen=True, slots=True)
class Errors:
    """How far numbers are from those that they stand for."""

    sqnr_db: float
    """Signal to quantization noise, 10·log10(Σr² / Σ(r − r̂)²); infinite without any error."""

    largest: float
    mean_squared: float


def quantize(numbers: Numbers, scheme: Scheme) -> Quantized:
    """Fit a grid to ``numbers`` and round them to it.

    Raises ``EngineError`` for numbers that are infinite or none at all.
    """
    tensor = np.asarray(numbers, np.float64)
    require_finite(tensor, "the tensor")
    pieces = _pieces(tensor, scheme)
    grid = fit(pieces, scheme)
    return Quantized(scheme, tensor.shape, grid, round_to(pieces, grid, scheme))


def fit(pieces: Numbers, scheme: Scheme) -> Grid:
    """The grid on which the largest of the numbers that share it are still told."""
    low, high = scheme.limits
    axes = _shared_axes(pieces.ndim, scheme)
    least = np.minimum(pieces.min(axis=axes, keepdims=True, initial=0.0), 0.0)
    most = np.maximum(pieces.max(axis=axes, keepdims=True, initial=0.0), 0.0)
    if scheme.symmetric:
        most = np.maximum(-least, most)
        least = -most
    scale = (most - least) / (high - low)
    scale = np.where(scale < np.finfo(np.float32).tiny, 1.0, scale)  # nothing but zeros
    if scheme.symmetric:
        zero = np.full(scale.shape, np.round((low + high) / 2))
    else:
        zero = np.clip(np.round(low - least / scale), low, high)
    return Grid(scale, zero.astype(np.int64))


def round_to(pieces: Numbers, grid: Grid, scheme: Scheme) -> Integers:
    """``round(r / s) + z``, kept within the limits (half to even, as processors round)."""
    low, high = scheme.limits
    integers = np.round(pieces / grid.scale) + grid.zero_point
    return np.clip(integers, low, high).astype(np.int64)


def errors(numbers: Numbers, told: Numbers) -> Errors:
    """How far ``told`` is from ``numbers``."""
    signal = np.asarray(numbers, np.float64)
    noise = signal - np.asarray(told, np.float64)
    power, lost = float(np.sum(signal**2)), float(np.sum(noise**2))
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = 10.0 * np.log10(np.float64(power) / lost) if lost else np.inf
    return Errors(float(ratio), float(np.abs(noise).max(initial=0.0)), lost / max(1, noise.size))


def require_finite(numbers: Numbers, what: str) -> None:
    """Raise ``EngineError`` when ``what`` has numbers that are infinite or none at all."""
    wrong = int(numbers.size - np.isfinite(numbers).sum())
    if wrong:
        raise EngineError(
            f"{what} has {wrong} of {numbers.size} numbers that are infinite or none at all (NaN); "
            "the model is damaged: fetch or train it again"
        )


def _pieces(tensor: npt.NDArray[np.float64], scheme: Scheme) -> npt.NDArray[np.float64]:
    """The tensor, or its blocks along a last axis of their own, zeros behind the last one."""
    if scheme.sharing == "tensor":
        return tensor
    if not -tensor.ndim <= scheme.axis < tensor.ndim:
        raise UsageError(f"a tensor of {tensor.ndim} axes has no axis {scheme.axis}")
    if scheme.sharing == "channel":
        return tensor
    moved = np.moveaxis(tensor, scheme.axis, -1)
    blocks = -(-moved.shape[-1] // scheme.block)
    missing = blocks * scheme.block - moved.shape[-1]
    padded = np.pad(moved, [*[(0, 0)] * (moved.ndim - 1), (0, missing)])
    return padded.reshape(*moved.shape[:-1], blocks, scheme.block)


def _joined(
    values: npt.NDArray[np.float64], scheme: Scheme, shape: tuple[int, ...]
) -> npt.NDArray[np.float64]:
    if scheme.sharing != "block":
        return values
    flat = values.reshape(*values.shape[:-2], -1)[..., : shape[scheme.axis]]
    return np.moveaxis(flat, -1, scheme.axis)


def _shared_axes(dimensions: int, scheme: Scheme) -> tuple[int, ...]:
    """The axes over which numbers share a grid."""
    if scheme.sharing == "tensor":
        return tuple(range(dimensions))
    if scheme.sharing == "channel":
        return tuple(each for each in range(dimensions) if each != scheme.axis % dimensions)
    return (dimensions - 1,)
