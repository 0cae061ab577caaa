"""The step ``onnx-weights``: matrices in 8 or 4 bits by block (MatMulNBits), tables in int8 rows.

Weights alone are kept in few bits, each block of a matrix with a grid of its own. At accuracy level
4 the processor multiplies 8-bit numbers, activations rounded block by block as they come.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal

import numpy as np
from onnx import TensorProto, helper, numpy_helper
from pydantic import Field

from edgebot.build.linear import Scheme, errors, quantize
from edgebot.build.onnx_quant_files import (
    chosen_nodes,
    initializers,
    load_onnx,
    name_nodes,
    quantizing,
    save_onnx,
)
from edgebot.build.step import Job, Made, Parameters, Step

_MICROSOFT = "com.microsoft"


class WeightsParameters(Parameters):
    """What ``onnx-weights`` takes."""

    bits: Literal[4, 8] = 8
    """Of the weights of matrices."""

    block: Literal[16, 32, 64, 128] = 32
    """Weights that share a grid."""

    symmetric: bool = False
    """Without zero points."""

    accuracy_level: Literal[0, 1, 4] = 4
    """4: products of 8-bit numbers; 1: of 32-bit floats; 0: as onnxruntime likes."""

    tables: Literal["int8", "float"] = "int8"
    """Embedding tables: a row in int8 with its scale, or as they are."""

    only: str = ""
    """Regular expression that the names of matrix products must fit."""

    never: str = ""
    """Regular expression of names that are left alone."""

    least: int = Field(default=4096, ge=0)
    """Tables and matrices of fewer numbers stay as they are."""


class WeightOnly(Step[WeightsParameters]):
    """Weights in few bits by block; activations stay floats."""

    name = "onnx-weights"
    takes = "onnx"
    makes = "onnx"
    libraries: ClassVar[tuple[str, ...]] = ("onnx", "onnxruntime")
    schema = WeightsParameters

    def run(self, job: Job) -> Made:
        """The quantized model, and the error of its weights as the reference has it."""
        from onnxruntime.quantization.matmul_nbits_quantizer import (
            DefaultWeightOnlyQuantConfig,
            MatMulNBitsQuantizer,
        )

        want = self.parameters
        model = load_onnx(job.artefact.file())
        name_nodes(model)
        held = initializers(model)
        chosen = [
            node
            for node in chosen_nodes(model, ("MatMul",), want.only, want.never)
            if np.prod(held[node.input[1]].dims if node.input[1] in held else [0]) >= want.least
        ]
        notes: dict[str, Any] = {"matrices": len(chosen), **self._reference(chosen, held)}
        if want.tables == "int8":
            notes["tables"] = _int8_tables(model, want.least)
        names = {node.name for node in chosen}
        config = DefaultWeightOnlyQuantConfig(
            block_size=want.block,
            is_symmetric=want.symmetric,
            accuracy_level=want.accuracy_level or None,
            bits=want.bits,
            op_types_to_quantize=("MatMul",),
        )
        quantizer = MatMulNBitsQuantizer(
            model,
            nodes_to_exclude=[node.name for node in model.graph.node if node.name not in names],
            algo_config=config,
        )
        with quantizing(job.artefact.file()):
            quantizer.process()
        made = quantizer.model.model
        _with_domain(made)
        _without_unused(made)
        return Made(save_onnx(made, job), notes)

    def _reference(self, chosen: list[Any], held: dict[str, Any]) -> dict[str, Any]:
        """Signal to noise of the weights on the reference's grids."""
        want = self.parameters
        scheme = Scheme(
            want.bits, want.symmetric, signed=False, sharing="block", axis=0, block=want.block
        )
        power = lost = bits = count = 0.0
        for node in chosen:
            numbers = numpy_helper.to_array(held[node.input[1]])
            quantized = quantize(numbers, scheme)
            found = errors(numbers, quantized.numbers())
            power += float(np.sum(np.square(numbers, dtype=np.float64)))
            lost += found.mean_squared * numbers.size
            bits += quantized.bits_per_number * numbers.size
            count += numbers.size
        return {
            "sqnr_db": round(10 * float(np.log10(power / lost)), 2) if lost else None,
            "bits_per_weight": round(bits / max(1.0, count), 3),
        }


def _int8_tables(model: Any, least: int) -> int:
    """Tables that are looked up in: rows in int8, widened when they are read. Returns how many."""
    held = initializers(model)
    done = 0
    nodes = []
    for node in model.graph.node:
        table = held.get(node.input[0]) if node.op_type == "Gather" else None
        fits = table is not None and table.data_type == TensorProto.FLOAT and len(table.dims) == 2
        if table is None or not fits or np.prod(table.dims) < least or _axis(node):
            nodes.append(node)
            continue
        nodes += _int8_rows(model, node, numpy_helper.to_array(table))
        done += 1
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    _without_unused(model)
    return done


def _int8_rows(model: Any, node: Any, numbers: Any) -> list[Any]:
    quantized = quantize(numbers, Scheme(8, sharing="channel", axis=0))
    name, ids, out = node.input[0], node.input[1], node.output[0]
    rows, scales = f"{name}.rows", f"{name}.scales"
    model.graph.initializer.extend(
        [
            numpy_helper.from_array(quantized.integers.astype(np.int8), rows),
            numpy_helper.from_array(quantized.grid.scale.astype(np.float32), scales),
        ]
    )
    make = helper.make_node
    return [
        make("Gather", [rows, ids], [f"{out}.row"], name=f"{out}.row", axis=0),
        make("Gather", [scales, ids], [f"{out}.scale"], name=f"{out}.scale", axis=0),
        make("Cast", [f"{out}.row"], [f"{out}.wide"], name=f"{out}.wide", to=TensorProto.FLOAT),
        make("Mul", [f"{out}.wide", f"{out}.scale"], [out], name=out),
    ]


def _axis(node: Any) -> int:
    return next((int(each.i) for each in node.attribute if each.name == "axis"), 0)


def _with_domain(model: Any) -> None:
    if not any(opset.domain == _MICROSOFT for opset in model.opset_import):
        model.opset_import.append(helper.make_opsetid(_MICROSOFT, 1))


def _without_unused(model: Any) -> None:
    """Drop the tensors that no operation reads any more."""
    used = {name for node in model.graph.node for name in node.input}
    used |= {entry.name for entry in model.graph.output}
    kept = [tensor for tensor in model.graph.initializer if tensor.name in used]
    del model.graph.initializer[:]
    model.graph.initializer.extend(kept)
