"""Weights of a GGUF file in fewer bits, by llama.cpp's own quantizer."""

from __future__ import annotations

import ctypes
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
from pydantic import Field

from edgebot.build.activity import ACTIVITY
from edgebot.build.artefact import MODEL
from edgebot.build.gguf_file import GgufFile
from edgebot.build.importance import IMPORTANCE, load_importance
from edgebot.build.step import Cost, Job, Made, Parameters, Step
from edgebot.core.errors import EngineError, UsageError

_FALLS_BACK = re.compile(r"warning: +(\S+) .*?-> falling back to +(\S+)", re.S)

Kind = Literal[
    "keep", "F32", "F16", "BF16", "Q8_0", "Q6_K", "Q5_K_M", "Q5_K_S", "Q5_1", "Q5_0", "Q4_K_M",
    "Q4_K_S", "Q4_1", "Q4_0", "IQ4_NL", "IQ4_XS", "Q3_K_L", "Q3_K_M", "Q3_K_S", "IQ3_M", "IQ3_S",
    "IQ3_XS", "IQ3_XXS", "Q2_K",
]  # fmt: skip

TensorKind = Literal[
    "F32", "F16", "BF16", "Q8_0", "Q6_K", "Q5_K", "Q5_1", "Q5_0", "Q4_K", "Q4_1", "Q4_0", "IQ4_NL",
    "IQ4_XS", "Q3_K", "IQ3_S", "IQ3_XXS", "Q2_K",
]  # fmt: skip


class QuantizeParameters(Parameters):
    """What ``quantize`` takes."""

    type: Kind
    """As llama.cpp calls it; ``keep``: every tensor as it is but for those named below."""

    embedding: TensorKind | None = None
    """Type of the token embedding (where the scores share it: of both)."""

    output: TensorKind | None = None
    """Type of the weights of the scores, where they are weights of their own."""

    tensors: Mapping[str, TensorKind] = Field(default_factory=dict)
    """Regular expression → type of the tensors whose name it finds; the first one counts."""

    pure: bool = False
    """Every tensor the same type, without llama.cpp's own mixture."""

    importance: bool = True
    """Use the importance matrix where a step before made one."""


class QuantizeGguf(Step[QuantizeParameters]):
    """Writes a model anew with weights of fewer bits; the matrix is left behind."""

    name = "quantize"
    takes = makes = "gguf"
    libraries = ("llama-cpp-python", "gguf")
    schema = QuantizeParameters

    def cost(self, artefact_bytes: int) -> Cost:
        """Searching for the best rounding takes longest."""
        return Cost(3 + artefact_bytes / 8e6, 300 + 2 * artefact_bytes / 1e6)

    def run(self, job: Job) -> Made:
        """See :class:`Step`."""
        source = GgufFile(job.artefact.file())
        source.check_numbers()
        importance = {}
        if self.parameters.importance and job.artefact.has(IMPORTANCE):
            importance = load_importance(job.artefact.file(IMPORTANCE))
        name = "model.gguf"
        job.progress.begin(f"quantize: {self.parameters.type}", None)
        fallbacks = quantize_file(
            source, job.folder / name, self.parameters, importance, job.threads
        )
        made = GgufFile(job.folder / name)
        kept = {role for role in job.artefact.roles if role not in (MODEL, IMPORTANCE, ACTIVITY)}
        notes = {
            "bits_per_weight": round(made.bits_per_weight, 3),
            "bits_per_weight_before": round(source.bits_per_weight, 3),
            "tensors": made.kinds(),
            "fallbacks": fallbacks,
            "importance": len(importance),
        }
        return Made({**job.keep(*sorted(kept)), MODEL: name}, notes)


def quantize_file(
    source: GgufFile,
    target: Path,
    wanted: QuantizeParameters,
    importance: Mapping[str, npt.NDArray[np.float32]],
    threads: int,
) -> dict[str, str]:
    """Write ``target``; returns the tensors that silently fell back, with what became of them.

    Raises ``EngineError`` when llama.cpp refuses, ``UsageError`` when the types make no sense.
    """
    import llama_cpp as C

    from edgebot.build import native

    native.heard()
    keep = _Keep()  # what C points at must live until it returns
    parameters = C.llama_model_quantize_default_params()
    parameters.nthread = threads
    parameters.allow_requantize = True
    parameters.pure = wanted.pure
    parameters.ftype = _ftype(C, "Q8_0" if wanted.type == "keep" else wanted.type)
    if wanted.embedding:
        parameters.token_embedding_type = _kind(wanted.embedding)
    if wanted.output:
        parameters.output_tensor_type = _kind(wanted.output)
    overrides = [(pattern, _kind(kind)) for pattern, kind in wanted.tensors.items()]
    if wanted.type == "keep":
        overrides += [
            (f"^{re.escape(name)}$", int(tensor.kind)) for name, tensor in source.tensors.items()
        ]
    for pattern, _ in overrides:
        _check_pattern(pattern)
    parameters.tt_overrides = keep.overrides(C, overrides)
    parameters.imatrix = keep.importance(C, _fitting(importance, source))
    code = C.llama_model_quantize(
        str(source.path).encode(), str(target).encode(), ctypes.byref(parameters)
    )
    said = "".join(native.said)
    if code:
        raise EngineError(f"{source.path}: llama.cpp cannot quantize it ({_reason(said)})")
    return _fallbacks(said)


class _Keep:
    """Arrays that native code reads."""

    def __init__(self) -> None:
        self._held: list[Any] = []

    def overrides(self, C: Any, entries: list[tuple[str, int]]) -> Any:
        if not entries:
            return None
        array = (C.llama_model_tensor_override * (len(entries) + 1))()
        for at, (pattern, kind) in enumerate(entries):
            array[at].pattern, array[at].type = pattern.encode(), kind
        self._held.append(array)
        return array

    def importance(self, C: Any, matrix: Mapping[str, npt.NDArray[np.float32]]) -> Any:
        if not matrix:
            return None
        array = (C.llama_model_imatrix_data * (len(matrix) + 1))()
        for at, (name, values) in enumerate(matrix.items()):
            values = np.ascontiguousarray(values, np.float32)
            self._held.append(values)
            array[at].name = name.encode()
            array[at].data = values.ctypes.data_as(ctypes.POINTER(ctypes.c_float))
            array[at].size = values.size
        self._held.append(array)
        return array


def _fitting(
    importance: Mapping[str, npt.NDArray[np.float32]], source: GgufFile
) -> dict[str, npt.NDArray[np.float32]]:
    """The entries that fit tensors of ``source``; a column that was never used counts a little.

    The scores of a tied model are made with the embedding's weights, so that is where they count.
    """
    entries = dict(importance)
    if source.tied and "output.weight" in entries:
        entries["token_embd.weight"] = entries.pop("output.weight")
    fitting = {}
    for name, values in entries.items():
        if name in source.tensors and len(values) == source.width(name):
            fitting[name] = np.maximum(values, 1e-10 + 1e-6 * float(values.mean()))
    return fitting


def _fallbacks(said: str) -> dict[str, str]:
    """By what llama.cpp said, so that nobody takes a file for smaller than it is."""
    return dict(_FALLS_BACK.findall(said))


def _reason(said: str) -> str:
    lines = [line.strip() for line in said.splitlines() if "rror" in line or "failed" in line]
    return (lines[-1] if lines else "no reason given")[-200:]


def _check_pattern(pattern: str) -> None:
    try:
        re.compile(pattern)
    except re.error as error:
        raise UsageError(f"{pattern!r} is no regular expression ({error})") from None


def _ftype(C: Any, kind: str) -> int:
    prefix = "ALL" if kind == "F32" else "MOSTLY"
    return int(getattr(C, f"LLAMA_FTYPE_{prefix}_{kind}"))


def _kind(kind: str) -> int:
    import gguf

    return int(gguf.GGMLQuantizationType[kind])
