"""Opening, checking and saving ONNX files between the steps of a build."""

from __future__ import annotations

import contextlib
import logging
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import onnx
from google.protobuf.message import DecodeError
from onnx import TensorProto, helper, numpy_helper

from edgebot.build.linear import require_finite
from edgebot.build.step import Job
from edgebot.core.errors import EngineError, ModelCorrupt, UsageError

MODEL = "model"


def load_onnx(path: Path) -> Any:
    """The model in ``path``, checked.

    Raises ``ModelCorrupt`` when it is damaged or no ONNX file, ``EngineError`` when it holds
    numbers that are none.
    """
    try:
        model = onnx.load(str(path))
    except (DecodeError, OSError, ValueError) as error:
        raise ModelCorrupt(
            f"{path}: no whole ONNX file ({error}); run `edgebot models verify`, or make it again"
        ) from None
    if not model.graph.node:
        raise ModelCorrupt(f"{path}: no ONNX file, or one without any operation; fetch it again")
    for tensor in model.graph.initializer:
        if tensor.data_type in (TensorProto.FLOAT, TensorProto.FLOAT16):
            require_finite(weights_of(tensor, path), f"{path.name}: {tensor.name}")
    return model


def weights_of(tensor: Any, path: Path) -> Any:
    """The numbers of ``tensor``; raises ``ModelCorrupt`` when some are missing."""
    try:
        return numpy_helper.to_array(tensor)
    except ValueError as error:
        raise ModelCorrupt(f"{path}: {tensor.name} is damaged ({error}); fetch it again") from None


def save_onnx(model: Any, job: Job) -> dict[str, str]:
    """Write ``model`` as the job's; what else belongs to it is taken over. Returns the roles.

    The file keeps its name, by which a catalogue entry and the voice's config know it.
    """
    name = job.artefact.roles[MODEL]
    same = [role for role, path in job.artefact.roles.items() if path == name]
    onnx.save_model(model, str(job.folder / name))
    others = [role for role in job.artefact.roles if role not in same]
    return {**dict.fromkeys(same, name), **job.keep(*others)}


def initializers(model: Any) -> dict[str, Any]:
    """Name → tensor."""
    return {tensor.name: tensor for tensor in model.graph.initializer}


def pattern(text: str) -> re.Pattern[str]:
    """``text`` as a regular expression; raises ``UsageError`` when it is none."""
    try:
        return re.compile(text)
    except re.error as error:
        raise UsageError(f"{text!r} is no regular expression ({error})") from None


def chosen_nodes(model: Any, operators: tuple[str, ...], only: str, never: str) -> list[Any]:
    """Operations of ``operators`` with weights of their own whose names fit.

    Raises ``UsageError`` when there is none.
    """
    held = initializers(model)
    wanted, unwanted = pattern(only), pattern(never) if never else None
    found = [
        node
        for node in model.graph.node
        if node.op_type in operators
        and any(name in held for name in node.input)
        and wanted.search(node.name)
        and not (unwanted and unwanted.search(node.name))
    ]
    if not found:
        kinds = sorted({node.op_type for node in model.graph.node})
        raise UsageError(
            f"no operation {' or '.join(operators)} with weights has a name that fits {only!r} "
            f"(the model has {', '.join(kinds[:12])} …); mend `operators` or `only` in the recipe"
        )
    return found


def name_nodes(model: Any) -> None:
    """Give every operation a name: quantizers choose by it."""
    for number, node in enumerate(model.graph.node):
        node.name = node.name or f"{node.op_type}_{number}"


def typed(model: Any) -> Any:
    """``model`` with the type of every tensor; the quantizer leaves out what has none.

    onnx knows nothing of the operations of com.microsoft; those used here make floats.
    """
    for node in model.graph.node:
        if node.domain == "com.microsoft":
            model.graph.value_info.extend(
                helper.make_tensor_value_info(name, TensorProto.FLOAT, None)
                for name in node.output
                if name
            )
    return onnx.shape_inference.infer_shapes(model)


@contextlib.contextmanager
def quantizing(path: Path) -> Iterator[None]:
    """Say in one sentence what onnxruntime's quantizer could not do; keep its advice quiet."""
    root = logging.getLogger()
    level = root.level
    root.setLevel(logging.ERROR)
    try:
        yield
    except Exception as error:  # the quantizer raises whatever it stumbles over
        reason = str(error).strip().splitlines()
        raise EngineError(
            f"{path.name}: onnxruntime cannot quantize it "
            f"({type(error).__name__}: {reason[0] if reason else 'no reason given'}); leave the "
            "operations out with `operators`, `only` or `never`"
        ) from error
    finally:
        root.setLevel(level)
