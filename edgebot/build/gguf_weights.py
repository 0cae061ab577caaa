"""What an export reads from a GGUF file: geometry, weights as numbers, vocabulary."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import gguf
import numpy as np
import numpy.typing as npt

from edgebot.core.errors import EngineError
from edgebot.nlg.gguf_header import GgufHeader, read_header
from edgebot.nlg.onnx_export import Geometry

Weights = npt.NDArray[np.float32]

_INTERLEAVED = {"llama": True, "qwen2": False}
"""Known architectures, and whether their rotary pairs are neighbours (as llama.cpp has it)."""

_FINE_BITS = (6, 16)
"""Bits a weight that say: whoever quantized this file thought the tensor worth more than most."""


class GgufWeights:
    """The tensors of one GGUF file, dequantized when asked for."""

    def __init__(self, path: Path) -> None:
        """Open ``path``; raises ``EngineError`` when it is damaged or of an unknown kind."""
        header = read_header(path)
        self.path = path
        try:
            self._reader: Any = gguf.GGUFReader(str(path))
        except Exception as problem:  # noqa: BLE001 - the library raises what numpy raises
            raise EngineError(f"{path}: cannot be read as GGUF ({problem})") from None
        self._tensors = {tensor.name: tensor for tensor in self._reader.tensors}
        self.architecture = header.architecture
        self.geometry = self._geometry(header)
        self.tied = "output.weight" not in self._tensors
        """The scores of the next token come from the embedding's own weights."""

        self.bytes = header.weights_bytes

    def _geometry(self, header: GgufHeader) -> Geometry:
        if header.architecture not in _INTERLEAVED:
            known = ", ".join(_INTERLEAVED)
            raise EngineError(
                f"{self.path}: models of architecture {header.architecture!r} cannot be exported; "
                f"these can: {known}"
            )
        scaling = header.metadata.get(f"{header.architecture}.rope.scaling.type", "none")
        if scaling != "none" or "rope_freqs.weight" in self._tensors:
            raise EngineError(
                f"{self.path}: models with scaled rotary positions cannot be exported yet"
            )
        heads = header.number("attention.head_count")
        width = header.number("embedding_length")
        head_width = header.number("attention.key_length", width // max(heads, 1))
        if header.number("rope.dimension_count", head_width) != head_width:
            raise EngineError(
                f"{self.path}: models that turn only a part of a head cannot be exported yet"
            )
        embedding = self._tensor("token_embd.weight")
        return Geometry(
            layers=header.number("block_count"),
            width=width,
            heads=heads,
            kv_heads=header.number("attention.head_count_kv", heads),
            head_width=head_width,
            feed_forward=header.number("feed_forward_length"),
            vocabulary=int(embedding.shape[1]),
            context_tokens=header.number("context_length"),
            rope_base=self._float(header, "rope.freq_base", 10_000.0),
            rope_interleaved=_INTERLEAVED[header.architecture],
            norm_epsilon=self._float(header, "attention.layer_norm_rms_epsilon", 1e-5),
        )

    @staticmethod
    def _float(header: GgufHeader, key: str, default: float) -> float:
        # GGUF has 32-bit floats: 0.00001 is written 0.000009999999747378752 in 64 bits.
        return float(header.metadata.get(f"{header.architecture}.{key}", default))

    def _tensor(self, name: str) -> Any:
        try:
            return self._tensors[name]
        except KeyError:
            raise EngineError(f"{self.path}: its weights {name} are missing") from None

    def has(self, name: str) -> bool:
        """Whether there is a tensor called ``name``."""
        return name in self._tensors

    def numbers(self, name: str, shape: tuple[int, ...]) -> Weights:
        """The weights called ``name`` as 32-bit floats, of ``shape`` (outputs, inputs).

        Raises ``EngineError`` when they are missing, of another shape, or no numbers.
        """
        tensor = self._tensor(name)
        numbers: Weights = gguf.dequantize(tensor.data, tensor.tensor_type).astype(
            np.float32, copy=False
        )
        if numbers.shape != shape:
            raise EngineError(f"{self.path}: its weights {name} are {numbers.shape}, not {shape}")
        if not np.isfinite(numbers.sum(dtype=np.float64)):
            raise EngineError(f"{self.path}: its weights {name} are no numbers; fetch it again")
        return numbers

    def is_fine(self, name: str) -> bool:
        """Whether ``name`` was quantized, but less than the most."""
        block, size = gguf.GGML_QUANT_SIZES[self._tensor(name).tensor_type]
        least, below = _FINE_BITS
        return bool(least <= size * 8 / block < below)

    def field(self, key: str, default: Any = None) -> Any:
        """The metadata entry ``key``."""
        field = self._reader.get_field(key)
        return default if field is None else field.contents()
