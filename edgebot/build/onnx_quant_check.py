"""Holds what onnxruntime's quantizer made of weights against the reference of ``linear.py``.

A quantizer that rounds otherwise than it should is noticed here and not in somebody's kitchen.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from onnx import TensorProto, numpy_helper

from edgebot.build.linear import Grid, Scheme, Sharing, errors, fit, round_to
from edgebot.build.onnx_quant_files import initializers

_SUFFIX = "_quantized"


def checked_weights(before: Any, after: Any) -> dict[str, Any]:
    """Figures about the int8 weights of ``after``, made from the float weights of ``before``.

    ``weights``: how many tensors; ``sqnr_db``: signal to noise over all of them and of the worst;
    ``as_reference``: share of the integers that the reference finds too, with its own grid.
    """
    floats = {
        name: numpy_helper.to_array(tensor)
        for name, tensor in initializers(before).items()
        if tensor.data_type == TensorProto.FLOAT
    }
    made = initializers(after)
    ratios: list[tuple[float, str]] = []
    power = lost = same = count = 0.0
    for name, numbers in floats.items():
        if name + _SUFFIX not in made or numbers.ndim < 2:
            continue
        integers = numpy_helper.to_array(made[name + _SUFFIX])
        scale = numpy_helper.to_array(made[name + "_scale"]).astype(np.float64)
        zero = numpy_helper.to_array(made[name + "_zero_point"]).astype(np.int64)
        if integers.dtype not in (np.int8, np.uint8) or integers.shape != numbers.shape:
            continue
        told, axis = _told(integers, scale, zero)
        found = errors(numbers, told)
        ratios.append((found.sqnr_db, name))
        power += float(np.sum(np.square(numbers, dtype=np.float64)))
        lost += found.mean_squared * numbers.size
        reference = _reference(numbers, integers, zero, axis)
        same += float(np.sum(reference == integers))
        count += numbers.size
    if not ratios:
        return {"weights": 0}
    worst, which = min(ratios)
    return {
        "weights": len(ratios),
        "sqnr_db": round(10 * float(np.log10(power / lost)), 2) if lost else None,
        "worst_sqnr_db": round(worst, 2),
        "worst": which,
        "as_reference": round(same / count, 6),
    }


def _told(integers: Any, scale: Any, zero: Any) -> tuple[Any, int | None]:
    """The numbers that ``integers`` stand for, and the axis of the channels."""
    if scale.size == 1:
        return scale.reshape(()) * (integers.astype(np.int64) - zero.reshape(())), None
    axis = max(at for at, side in enumerate(integers.shape) if side == scale.size)
    shape = [1] * integers.ndim
    shape[axis] = -1
    return scale.reshape(shape) * (integers.astype(np.int64) - zero.reshape(shape)), axis


def _reference(numbers: Any, integers: Any, zero: Any, axis: int | None) -> Any:
    sharing: Sharing = "tensor" if axis is None else "channel"
    # A zero point in the middle of the range is the symmetric reading.
    middle = 0 if integers.dtype == np.int8 else 128
    scheme = Scheme(
        8,
        symmetric=bool(np.all(zero == middle)),
        signed=integers.dtype == np.int8,
        sharing=sharing,
        axis=axis or 0,
    )
    tensor = np.asarray(numbers, np.float64)
    grid = fit(tensor, scheme)
    # The file keeps its scales in 32 bits: what lies between two steps is decided by them.
    return round_to(tensor, Grid(grid.scale.astype(np.float32), grid.zero_point), scheme)
