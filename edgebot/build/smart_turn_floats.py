"""The step ``onnx-floats``: a statically quantized model (QDQ) back to floats.

Smart Turn is published quantized, activations and all. To try other ways of quantizing it, its
roundings are taken out: weights are widened to the numbers they stand for, activations flow on
unrounded. That gives back nothing that was lost, but the next quantizer finds plain operations.
"""

from __future__ import annotations

from typing import Any, ClassVar

import numpy as np
from onnx import numpy_helper

from edgebot.build.onnx_quant_files import initializers, load_onnx, name_nodes, save_onnx
from edgebot.build.step import Job, Made, Parameters, Step
from edgebot.core.errors import UsageError


class FloatsParameters(Parameters):
    """What ``onnx-floats`` takes: nothing."""


class Floats(Step[FloatsParameters]):
    """The same network without rounding."""

    name = "onnx-floats"
    takes = "onnx"
    makes = "onnx"
    libraries: ClassVar[tuple[str, ...]] = ("onnx",)
    schema = FloatsParameters

    def run(self, job: Job) -> Made:
        """Raises ``UsageError`` for a model that has no roundings to take out."""
        model = load_onnx(job.artefact.file())
        name_nodes(model)
        held = initializers(model)
        same: dict[str, str] = {}
        widened: list[Any] = []
        kept: list[Any] = []
        rounded: dict[str, str] = {}
        for node in model.graph.node:
            if node.op_type == "QuantizeLinear":
                rounded[node.output[0]] = node.input[0]
            elif node.op_type != "DequantizeLinear":
                kept.append(node)
            elif node.input[0] in held:
                widened.append(numpy_helper.from_array(_numbers(node, held), node.output[0]))
            elif node.input[0] in rounded:
                same[node.output[0]] = rounded[node.input[0]]
            else:
                kept.append(node)
        if not widened and not same:
            raise UsageError(f"{job.artefact.file().name} has no roundings; leave onnx-floats out")
        _rewire(model, kept, same)
        used = {name for node in kept for name in node.input}
        others = [tensor for tensor in model.graph.initializer if tensor.name in used]
        del model.graph.node[:], model.graph.initializer[:]
        model.graph.node.extend(kept)
        model.graph.initializer.extend([*others, *widened])
        return Made(save_onnx(model, job), {"weights": len(widened), "activations": len(same)})


def _rewire(model: Any, kept: list[Any], same: dict[str, str]) -> None:
    """Let what read a rounded activation read the activation."""

    def origin(name: str) -> str:
        while name in same:
            name = same[name]
        return name

    for node in kept:
        for at, name in enumerate(node.input):
            node.input[at] = origin(name)
    makers = {name: node for node in kept for name in node.output}
    for out in model.graph.output:
        first = origin(out.name)
        if first == out.name:
            continue
        for node in kept:
            for at, name in enumerate(node.input):
                if name == first:
                    node.input[at] = out.name
        maker = makers[first]
        maker.output[list(maker.output).index(first)] = out.name


def _numbers(node: Any, held: dict[str, Any]) -> Any:
    """What the integers of a DequantizeLinear stand for."""
    integers = numpy_helper.to_array(held[node.input[0]]).astype(np.int64)
    scale = numpy_helper.to_array(held[node.input[1]])
    zero = (
        numpy_helper.to_array(held[node.input[2]]).astype(np.int64)
        if len(node.input) > 2
        else np.zeros_like(scale, np.int64)
    )
    if scale.size > 1:
        axis = next((int(each.i) for each in node.attribute if each.name == "axis"), 1)
        shape = [1] * integers.ndim
        shape[axis] = -1
        scale, zero = scale.reshape(shape), zero.reshape(shape)
    return ((integers - zero) * scale).astype(np.float32).reshape(integers.shape)
