"""Weights in blocks of 32 with few bits, as MatMulNBits of ONNX Runtime wants them.

Round to nearest, with the grid of each block fitted to its weights by least squares. What a
calibration set would add (GPTQ, AWQ) is not worth it here: the weights come from a GGUF file whose
maker has rounded them already.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

BLOCK = 32
"""Weights that share a scale; widths of the models' layers are multiples of it."""

_ROWS = 2048
"""Rows fitted at a time: what they need stays in the processor's cache."""

_SHRINK = (1.0, 0.92)
"""Shares of a block's range that are tried: cutting off an outlier serves the other 31."""


@dataclass(frozen=True, slots=True)
class Quantized:
    """Weights of shape (outputs, inputs) in ``bits``."""

    bits: int
    packed: npt.NDArray[np.uint8]
    """(outputs, blocks, bytes a block); the first weight of a byte in its lower half."""

    scales: npt.NDArray[np.float32]
    """(outputs, blocks)"""

    zero_points: npt.NDArray[np.uint8] | None
    """(outputs, ceil(blocks / 2)), packed like the weights; None: the middle of the range."""

    def numbers(self) -> npt.NDArray[np.float32]:
        """The weights that these stand for, shape (outputs, inputs)."""
        rows, blocks = self.scales.shape
        if self.bits == 8:
            levels = self.packed.astype(np.float32) - 128
        else:
            levels = _unpacked(self.packed).reshape(rows, blocks, BLOCK).astype(np.float32)
            assert self.zero_points is not None
            levels -= _unpacked(self.zero_points)[:, :blocks, None]
        numbers: npt.NDArray[np.float32] = (levels * self.scales[..., None]).reshape(rows, -1)
        return numbers


def quantize(weights: npt.NDArray[np.float32], bits: int) -> Quantized:
    """``weights`` (outputs, inputs; inputs a multiple of 32) in 4 or 8 ``bits``."""
    rows, width = weights.shape
    blocks = weights.reshape(rows, width // BLOCK, BLOCK)
    if bits == 8:
        largest = np.abs(blocks).max(axis=-1)
        scales = np.where(largest > 0, largest / 127, 1).astype(np.float32)
        levels = np.rint(blocks / scales[..., None]) + 128
        return Quantized(8, levels.astype(np.uint8), scales, None)
    parts = [_fitted(blocks[at : at + _ROWS]) for at in range(0, rows, _ROWS)]
    levels, zeros, scales = (np.concatenate([part[n] for part in parts]) for n in range(3))
    return Quantized(4, _packed(levels), scales.astype(np.float32), _packed(zeros))


def _fitted(blocks: npt.NDArray[np.float32]) -> tuple[npt.NDArray[np.float32], ...]:
    """Levels 0 … 15, zero points and scales with the least squared error among those tried."""
    low = np.minimum(blocks.min(axis=-1), 0)
    high = np.maximum(blocks.max(axis=-1), 0)
    best_levels = np.zeros_like(blocks)
    best_zero, best_scale = np.zeros_like(low), np.ones_like(low)
    least = np.full(low.shape, np.inf, np.float32)
    for share in _SHRINK:
        step = (high - low) * (share / 15)
        step[step == 0] = 1
        exact = -low * share / step
        for zero in (np.floor(exact), np.ceil(exact)):
            levels = np.rint(blocks / step[..., None])
            levels += zero[..., None]
            np.clip(levels, 0, 15, out=levels)
            offsets = levels - zero[..., None]
            square = np.einsum("rbi,rbi->rb", offsets, offsets)
            along = np.einsum("rbi,rbi->rb", offsets, blocks)
            scale = np.divide(along, square, out=np.ones_like(along), where=square > 0)
            # |w - s o|² = |w|² - s (o·w) for the best s; |w|² is the same for all that are tried.
            error = -scale * along
            better = error < least
            least[better] = error[better]
            best_levels[better] = levels[better]
            best_zero[better], best_scale[better] = zero[better], scale[better]
    return best_levels, best_zero, best_scale


def _packed(levels: npt.NDArray[np.float32]) -> npt.NDArray[np.uint8]:
    """Two a byte along the last axis, the first in the lower half."""
    small: npt.NDArray[np.uint8] = levels.astype(np.uint8)
    if small.shape[-1] % 2:
        small = np.concatenate([small, np.zeros((*small.shape[:-1], 1), np.uint8)], axis=-1)
    pairs: npt.NDArray[np.uint8] = small[..., 0::2] | (small[..., 1::2] << np.uint8(4))
    return pairs


def _unpacked(packed: npt.NDArray[np.uint8]) -> npt.NDArray[np.uint8]:
    halves = np.stack([packed & 15, packed >> 4], axis=-1)
    return halves.reshape(*packed.shape[:-1], -1)
