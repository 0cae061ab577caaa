"""The step ``onnx-store``: weights kept in half precision or int8, widened when they are read.

For voices: a Piper voice is 63 MB of float32 that nobody hears the last sixteen bits of. The file
halves, the network computes as before (onnxruntime widens constants once, when it loads). Quantized
arithmetic is another matter: dynamic or static int8 of all its convolutions ruins a voice.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from onnx import TensorProto, helper, numpy_helper
from pydantic import Field

from edgebot.build.linear import Scheme, errors, quantize
from edgebot.build.onnx_quant_files import (
    initializers,
    load_onnx,
    name_nodes,
    pattern,
    save_onnx,
    weights_of,
)
from edgebot.build.step import Job, Made, Parameters, Step
from edgebot.core.errors import EngineError

_LARGEST_HALF = float(np.finfo(np.float16).max)


class StoreParameters(Parameters):
    """What ``onnx-store`` takes."""

    int8: str = ""
    """Regular expression: weights of the operations it fits are kept in int8, a scale a channel."""

    exact: str = ""
    """Regular expression: weights of these operations stay in float32."""

    least: int = Field(default=256, ge=1)
    """Tensors of fewer numbers stay as they are."""


class Store(Step[StoreParameters]):
    """Smaller on the disk, the same when it runs."""

    name = "onnx-store"
    takes = "onnx"
    makes = "onnx"
    libraries: ClassVar[tuple[str, ...]] = ("onnx",)
    schema = StoreParameters

    def run(self, job: Job) -> Made:
        """The smaller file, and the error of what is kept in it."""
        want = self.parameters
        path = job.artefact.file()
        model = load_onnx(path)
        name_nodes(model)
        int8 = _weights_of_nodes(model, want.int8)
        exact = _weights_of_nodes(model, want.exact)
        kept: list[Any] = []
        widening: list[Any] = []
        power = lost = 0.0
        counts = {"half": 0, "int8": 0, "float": 0}
        for tensor in model.graph.initializer:
            floats = tensor.data_type == TensorProto.FLOAT
            if not floats or tensor.name in exact or np.prod(tensor.dims) < want.least:
                kept.append(tensor)
                counts["float"] += floats
                continue
            numbers = weights_of(tensor, path)
            kind = "int8" if tensor.name in int8 and numbers.ndim > 1 else "half"
            stored, nodes, told = (_int8 if kind == "int8" else _half)(tensor.name, numbers)
            counts[kind] += 1
            kept += stored
            widening += nodes
            power += float(np.sum(np.square(numbers, dtype=np.float64)))
            lost += errors(numbers, told).mean_squared * numbers.size
        nodes = [*widening, *model.graph.node]
        del model.graph.initializer[:], model.graph.node[:]
        model.graph.initializer.extend(kept)
        model.graph.node.extend(nodes)
        ratio = round(10 * float(np.log10(power / lost)), 2) if lost else None
        return Made(save_onnx(model, job), {**counts, "sqnr_db": ratio})


def _weights_of_nodes(model: Any, names: str) -> set[str]:
    """Tensors that the operations read whose names fit."""
    if not names:
        return set()
    fits, held = pattern(names), initializers(model)
    found = {
        name
        for node in model.graph.node
        if fits.search(node.name)
        for name in node.input
        if name in held
    }
    if not found:
        raise EngineError(f"no operation with weights has a name that fits {names!r}; mend it")
    return found


def _half(name: str, numbers: Any) -> tuple[list[Any], list[Any], Any]:
    if np.abs(numbers).max() > _LARGEST_HALF:
        raise EngineError(
            f"{name} has numbers beyond {_LARGEST_HALF:.0f}, which half precision cannot hold; "
            "leave its operation out with `exact`"
        )
    half = numbers.astype(np.float16)
    stored = numpy_helper.from_array(half, f"{name}.half")
    node = helper.make_node(
        "Cast", [f"{name}.half"], [name], name=f"{name}.wide", to=TensorProto.FLOAT
    )
    return [stored], [node], half


def _int8(name: str, numbers: Any) -> tuple[list[Any], list[Any], Any]:
    quantized = quantize(numbers, Scheme(8, sharing="channel", axis=0))
    stored = [
        numpy_helper.from_array(quantized.integers.astype(np.int8), f"{name}.int8"),
        numpy_helper.from_array(quantized.grid.scale.astype(np.float32), f"{name}.scales"),
    ]
    nodes = [
        helper.make_node(
            "Cast", [f"{name}.int8"], [f"{name}.cast"], name=f"{name}.cast", to=TensorProto.FLOAT
        ),
        helper.make_node("Mul", [f"{name}.cast", f"{name}.scales"], [name], name=f"{name}.wide"),
    ]
    return stored, nodes, quantized.numbers()
