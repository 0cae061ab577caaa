"""GGUF files read and rewritten: the same metadata and tensors but for what is said otherwise."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import gguf
import numpy as np
import numpy.typing as npt

from edgebot.core.errors import EngineError
from edgebot.models.digest import writing
from edgebot.nlg.gguf_header import GgufHeader, read_header

Weights = npt.NDArray[np.float32]

LLAMA_LIKE = ("llama", "qwen2", "qwen3", "gemma3", "smollm3")
"""Architectures whose layers are made of these tensors: attn_{q,k,v,output}, ffn_{gate,up,down}."""


@dataclass(frozen=True, slots=True)
class Tensor:
    """Weights as they lie in a file."""

    data: npt.NDArray[Any]
    """Rows of bytes for quantized kinds, numbers otherwise; shape (outputs, …)."""

    kind: gguf.GGMLQuantizationType

    @property
    def bits(self) -> float:
        """Bits a weight."""
        block, size = gguf.GGML_QUANT_SIZES[self.kind]
        return float(size * 8 / block)


class GgufFile:
    """One GGUF file."""

    def __init__(self, path: Path) -> None:
        """Open ``path``; raises ``EngineError`` when it is damaged, cut short or no GGUF."""
        self.path = path
        self.header: GgufHeader = read_header(path)
        try:
            self._reader: Any = gguf.GGUFReader(str(path))
        except Exception as problem:  # noqa: BLE001 - the library raises what numpy raises
            raise EngineError(f"{path}: cannot be read as GGUF ({problem})") from None
        self.tensors = {
            tensor.name: Tensor(tensor.data, tensor.tensor_type) for tensor in self._reader.tensors
        }

        self._sizes = {tensor.name: tensor.shape for tensor in self._reader.tensors}

    @property
    def architecture(self) -> str:
        """``llama``, ``qwen2`` …"""
        return self.header.architecture

    @property
    def layers(self) -> int:
        """How many blocks it has."""
        return self.header.number("block_count")

    @property
    def tied(self) -> bool:
        """Whether the scores of the next token come from the embedding's own weights."""
        return "output.weight" not in self.tensors

    def require(self, what: str) -> None:
        """Raise ``EngineError`` when ``what`` needs to know the architecture and it is unknown."""
        if self.architecture not in LLAMA_LIKE:
            raise EngineError(
                f"{self.path}: {what} does not know the architecture {self.architecture!r} "
                f"(it knows {', '.join(LLAMA_LIKE)}); leave this step out"
            )

    def field(self, key: str, default: Any = None) -> Any:
        """The metadata entry ``key``."""
        field = self._reader.get_field(key)
        return default if field is None else field.contents()

    def fields(self) -> list[str]:
        """The names of all metadata entries."""
        return [key for key in self._reader.fields if not key.startswith("GGUF.")]

    def tensor(self, name: str) -> Tensor:
        """The weights called ``name``; raises ``EngineError`` when they are missing."""
        try:
            return self.tensors[name]
        except KeyError:
            raise EngineError(f"{self.path}: its weights {name} are missing") from None

    def numbers(self, name: str) -> Weights:
        """The weights called ``name`` as 32-bit floats; raises ``EngineError`` for NaN."""
        tensor = self.tensor(name)
        numbers: Weights = gguf.dequantize(tensor.data, tensor.kind).astype(np.float32, copy=False)
        if not np.isfinite(numbers.sum(dtype=np.float64)):
            raise EngineError(f"{self.path}: its weights {name} are no numbers; fetch it again")
        return numbers

    def width(self, name: str) -> int:
        """Inputs of the weights called ``name``."""
        return int(self._sizes[name][0])

    def check_numbers(self) -> None:
        """Raise ``EngineError`` when any of its floating-point weights or scales is no number."""
        for name in self.tensors:
            self.numbers(name)

    @property
    def weights(self) -> int:
        """How many there are."""
        return sum(int(tensor.n_elements) for tensor in self._reader.tensors)

    @property
    def bits_per_weight(self) -> float:
        """Of all tensors together, as they lie in the file."""
        size = sum(int(tensor.n_bytes) for tensor in self._reader.tensors)
        return 8 * size / max(1, self.weights)

    def kinds(self) -> dict[str, int]:
        """How many tensors there are of each kind."""
        counts: dict[str, int] = {}
        for tensor in self.tensors.values():
            counts[tensor.kind.name] = counts.get(tensor.kind.name, 0) + 1
        return dict(sorted(counts.items()))

    def rewrite(
        self,
        target: Path,
        *,
        architecture: str | None = None,
        fields: Mapping[str, Any] | None = None,
        tensors: Mapping[str, Tensor | None] | None = None,
        rename: Callable[[str], str] = lambda name: name,
    ) -> None:
        """Write ``target``: this file with ``fields`` and ``tensors`` replaced (None: left out).

        ``fields`` may be new where they are whole numbers or lists of them. ``architecture``: what
        it is from now on; fields of the old one become fields of it. ``rename`` is applied to the
        names of all tensors that stay. Raises ``ModelError`` when the disk is full.
        """
        named = architecture or self.architecture
        changed = dict(tensors or {})
        with writing(target.parent):
            writer = gguf.GGUFWriter(str(target), named)
            self._write_fields(writer, named, dict(fields or {}))
            for name, tensor in self.tensors.items():
                kept = changed.get(name, tensor)
                if kept is not None:
                    raw = None if kept.data.dtype.kind == "f" else kept.kind
                    writer.add_tensor(rename(name), np.ascontiguousarray(kept.data), raw_dtype=raw)
            writer.write_header_to_file()
            writer.write_kv_data_to_file()
            writer.write_tensors_to_file()
            writer.close()

    def _write_fields(self, writer: Any, named: str, changed: dict[str, Any]) -> None:
        own = re.compile(rf"^{re.escape(self.architecture)}\.")
        for key, field in self._reader.fields.items():
            if key.startswith("GGUF.") or key == "general.architecture":
                continue
            value, kind, inner = changed.pop(key, field.contents()), field.types[0], None
            if kind == gguf.GGUFValueType.ARRAY:
                inner = field.types[-1]
                if len(value) == 0:
                    continue  # the format has no empty arrays
            elif isinstance(value, list):
                kind, inner = gguf.GGUFValueType.ARRAY, gguf.GGUFValueType.INT32
            writer.add_key_value(own.sub(f"{named}.", key), value, kind, sub_type=inner)
        for key, value in changed.items():
            key = own.sub(f"{named}.", key)
            if isinstance(value, list):
                writer.add_array(key, value)
            else:
                writer.add_uint32(key, value)


def of_floats(numbers: npt.NDArray[Any], half: bool = True) -> Tensor:
    """``numbers`` as a tensor of 16-bit (or 32-bit) floats."""
    kind = gguf.GGMLQuantizationType
    if half:
        return Tensor(numbers.astype(np.float16), kind.F16)
    return Tensor(numbers.astype(np.float32), kind.F32)


def rows_of(tensor: Tensor, rows: npt.NDArray[np.intp]) -> Tensor:
    """Only ``rows`` (outputs) of ``tensor``: quantized rows are bytes of their own."""
    return Tensor(np.ascontiguousarray(tensor.data[rows]), tensor.kind)
