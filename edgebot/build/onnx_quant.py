"""Steps that hand an ONNX model to onnxruntime's quantizer: dynamic and static int8.

*Dynamic*: weights in int8, activations rounded as they come, with a scale a call; needs no
calibration. *Static*: activations on grids fixed in advance by calibration; every operation then
runs in integers, and what calibration did not see is cut off. For the networks here it is the
labelled baseline that gates reject (docs/build-onnx.md shows by how much).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, ClassVar, Literal

from onnx import TensorProto
from pydantic import Field

from edgebot.build.onnx_quant_check import checked_weights
from edgebot.build.onnx_quant_feeds import Feed, feeds
from edgebot.build.onnx_quant_files import (
    chosen_nodes,
    load_onnx,
    name_nodes,
    quantizing,
    save_onnx,
    typed,
)
from edgebot.build.step import Job, Made, Parameters, Step

_FLOATS = {"DefaultTensorType": TensorProto.FLOAT}
"""What comes out of operations that onnx cannot tell the type of (domain com.microsoft)."""


class DynamicParameters(Parameters):
    """What ``onnx-dynamic`` takes."""

    operators: tuple[str, ...] = ("MatMul", "Gather")
    """Kinds of operations that are quantized."""

    only: str = ""
    """Regular expression that the names of operations must fit."""

    never: str = ""
    """Regular expression of names that are left alone."""

    per_channel: bool = True
    """A scale for each output of a matrix instead of one for all of it."""

    seven_bits: bool = False
    """Weights in 7 bits: for processors that saturate (x86 without VNNI)."""


class Dynamic(Step[DynamicParameters]):
    """int8 weights, activations rounded as they come."""

    name = "onnx-dynamic"
    takes = "onnx"
    makes = "onnx"
    libraries: ClassVar[tuple[str, ...]] = ("onnx", "onnxruntime")
    schema = DynamicParameters

    def run(self, job: Job) -> Made:
        """The quantized model, and how it compares with the reference of linear.py."""
        from onnxruntime.quantization import QuantType, quantize_dynamic

        model = load_onnx(job.artefact.file())
        name_nodes(model)
        want = self.parameters
        nodes = [node.name for node in chosen_nodes(model, want.operators, want.only, want.never)]
        target = job.scratch / "dynamic.onnx"
        with quantizing(job.artefact.file()):
            quantize_dynamic(
                _saved(model, job.scratch),
                target,
                op_types_to_quantize=list(want.operators),
                per_channel=want.per_channel,
                reduce_range=want.seven_bits,
                weight_type=QuantType.QInt8,
                nodes_to_quantize=nodes,
                extra_options=_FLOATS,
            )
        made = load_onnx(target)
        return Made(save_onnx(made, job), checked_weights(model, made))


class StaticParameters(DynamicParameters):
    """What ``onnx-static`` takes."""

    operators: tuple[str, ...] = ("MatMul", "Gather", "Add")
    text: str = "calibration"
    """The text or recordings of the recipe that activations are watched on."""

    samples: int = Field(default=48, ge=1, le=2000)
    """How many sentences or recordings of it."""

    method: Literal["minmax", "entropy", "percentile"] = "minmax"
    """How the range of an activation is chosen from what was seen."""


class Static(Step[StaticParameters]):
    """int8 weights and activations on grids from calibration (QDQ)."""

    name = "onnx-static"
    takes = "onnx"
    makes = "onnx"
    libraries: ClassVar[tuple[str, ...]] = ("onnx", "onnxruntime", "tokenizers", "piper-tts")
    schema = StaticParameters

    def run(self, job: Job) -> Made:
        """The quantized model; raises ``UsageError`` without a text to calibrate on."""
        from onnxruntime.quantization import (
            CalibrationMethod,
            QuantFormat,
            QuantType,
            quantize_static,
        )

        want = self.parameters
        seen = list(feeds(job.artefact, job.texts, want.text, want.samples))
        model = typed(load_onnx(job.artefact.file()))
        name_nodes(model)
        weighty = chosen_nodes(model, want.operators, want.only, want.never)
        others = [node for node in model.graph.node if node.op_type in want.operators]
        nodes = [node.name for node in (weighty if want.only or want.never else others)]
        target = job.scratch / "static.onnx"
        methods = {
            "minmax": CalibrationMethod.MinMax,
            "entropy": CalibrationMethod.Entropy,
            "percentile": CalibrationMethod.Percentile,
        }
        with quantizing(job.artefact.file()):
            quantize_static(
                _saved(model, job.scratch),
                target,
                Reader(seen, job.progress),
                quant_format=QuantFormat.QDQ,
                op_types_to_quantize=list(want.operators),
                per_channel=want.per_channel,
                reduce_range=want.seven_bits,
                weight_type=QuantType.QInt8,
                activation_type=QuantType.QUInt8,
                nodes_to_quantize=nodes,
                calibrate_method=methods[want.method],
                extra_options=_FLOATS,
            )
        made = load_onnx(target)
        notes = {"samples": len(seen), **checked_weights(model, made)}
        return Made(save_onnx(made, job), notes)


class Reader:
    """Calibration data as onnxruntime asks for it."""

    def __init__(self, found: list[Feed], progress: Any) -> None:
        self._found, self._at, self._progress = found, 0, progress
        progress.begin("calibrating", len(found))

    def get_next(self) -> Feed | None:
        """The next input; None behind the last."""
        if self._at == len(self._found):
            return None
        self._at += 1
        self._progress.advance(self._at)
        return self._found[self._at - 1]

    def __iter__(self) -> Iterator[Feed]:
        return iter(self._found)

    def __len__(self) -> int:
        return len(self._found)

    def set_range(self, start_index: int, end_index: int) -> None:
        """Begin anew at ``start_index``: asked for when calibration goes on in pieces."""
        self._at = start_index


def _saved(model: Any, scratch: Path) -> Path:
    import onnx

    path = scratch / "named.onnx"
    onnx.save_model(model, str(path))
    return path
