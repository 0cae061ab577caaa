"""Reads the header of a GGUF file: what a model is, before anything is loaded.

Format: https://github.com/ggml-org/ggml/blob/master/docs/gguf.md (versions 2 and 3, little-endian).
"""

from __future__ import annotations

import mmap
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from edgebot.core.errors import EngineError

_SCALARS = {
    0: "<B",
    1: "<b",
    2: "<H",
    3: "<h",
    4: "<I",
    5: "<i",
    6: "<f",
    7: "<?",
    10: "<Q",
    11: "<q",
    12: "<d",
}
_STRING, _ARRAY = 8, 9
_U64 = struct.Struct("<Q")
_U32 = struct.Struct("<I")
_MAX_ENTRIES = 1_000_000
_MAX_DIMENSIONS = 4
_MAX_LAYERS = 1024

_BLOCKS = {
    0: (1, 4), 1: (1, 2), 2: (32, 18), 3: (32, 20), 6: (32, 22), 7: (32, 24), 8: (32, 34),
    9: (32, 36), 10: (256, 84), 11: (256, 110), 12: (256, 144), 13: (256, 176), 14: (256, 210),
    15: (256, 292), 16: (256, 66), 17: (256, 74), 18: (256, 98), 19: (256, 50), 20: (32, 18),
    21: (256, 110), 22: (256, 82), 23: (256, 136), 24: (1, 1), 25: (1, 2), 26: (1, 4), 27: (1, 8),
    28: (1, 8), 29: (256, 56), 30: (1, 2), 34: (256, 54), 35: (256, 66), 39: (32, 17),
}  # fmt: skip
"""ggml tensor type → (weights a block, bytes a block)."""


@dataclass(frozen=True, slots=True)
class GgufHeader:
    """What a GGUF file says about itself."""

    architecture: str
    metadata: Mapping[str, Any]
    """Scalars and strings; of arrays those of numbers that are as short as a list of layers."""

    weights_bytes: int
    """Size of the tensor data."""

    def number(self, key: str, default: int | None = None) -> int:
        """The whole number at ``<architecture>.key``; raises ``EngineError`` when it is absent."""
        value = self.metadata.get(f"{self.architecture}.{key}", default)
        if not isinstance(value, int):
            raise EngineError(f"the model file does not state its {key}; fetch it again")
        return value

    @property
    def kv_bytes_per_token(self) -> int:
        """Bytes of 16-bit key and value state a token of context takes."""
        layers = self.number("block_count")
        heads = self._by_layer("attention.head_count", layers)
        kv_heads = self._by_layer("attention.head_count_kv", layers, heads)
        head = self.number("embedding_length") // max(*heads, 1)
        key = self.number("attention.key_length", head)
        value = self.number("attention.value_length", head)
        return sum(kv_heads) * (key + value) * 2

    def _by_layer(
        self, key: str, layers: int, default: tuple[int, ...] | None = None
    ) -> tuple[int, ...]:
        """The number of each layer, where the file has one for all or one for each."""
        value = self.metadata.get(f"{self.architecture}.{key}", default)
        if isinstance(value, tuple) and len(value) == layers:
            return value
        return (self.number(key),) * min(layers, _MAX_LAYERS)


def read_header(path: Path) -> GgufHeader:
    """Parse the header of ``path``.

    Raises ``EngineError`` when the file cannot be read, is no GGUF, or is cut short.
    """
    try:
        with path.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as data:
            return _parse(data, path)
    except (OSError, ValueError) as problem:  # ValueError: an empty file cannot be mapped
        raise EngineError(f"{path}: cannot be read as a model file ({problem})") from None
    except (struct.error, IndexError, UnicodeDecodeError, OverflowError):
        raise EngineError(
            f"{path}: the GGUF header is damaged; run `edgebot models verify`, then "
            "`edgebot models pull`"
        ) from None


def _parse(data: mmap.mmap, path: Path) -> GgufHeader:
    if data[:4] != b"GGUF":
        raise EngineError(f"{path}: this is no GGUF file (it begins with {bytes(data[:4])!r})")
    version = _U32.unpack_from(data, 4)[0]
    if version not in (2, 3):
        raise EngineError(f"{path}: GGUF version {version} is not supported (2 and 3 are)")
    tensors, entries = struct.unpack_from("<QQ", data, 8)
    if tensors > _MAX_ENTRIES or entries > _MAX_ENTRIES:
        raise struct.error
    offset = 24
    metadata: dict[str, Any] = {}
    for _ in range(entries):
        key, offset = _string(data, offset)
        kind = _U32.unpack_from(data, offset)[0]
        value, offset = _value(data, offset + 4, kind)
        if value is not None:
            metadata[key] = value
    end, offset = _tensor_end(data, offset, tensors)
    alignment = int(metadata.get("general.alignment", 32)) or 32
    start = -(-offset // alignment) * alignment
    if start + end > len(data):
        raise EngineError(
            f"{path}: the file is cut short ({len(data)} bytes of {start + end}); "
            "run `edgebot models pull`"
        )
    architecture = str(metadata.get("general.architecture", ""))
    return GgufHeader(architecture, metadata, end)


def _tensor_end(data: mmap.mmap, offset: int, tensors: int) -> tuple[int, int]:
    """Where the last tensor ends in the data section, and where the list of tensors ends."""
    end = 0
    for _ in range(tensors):
        _, offset = _string(data, offset)
        dimensions = _U32.unpack_from(data, offset)[0]
        if dimensions > _MAX_DIMENSIONS:
            raise struct.error
        shape = struct.unpack_from(f"<{dimensions}Q", data, offset + 4)
        offset += 4 + 8 * dimensions
        kind, where = struct.unpack_from("<IQ", data, offset)
        offset += 12
        weights = 1
        for size in shape:
            weights *= size
        block, size = _BLOCKS.get(kind, (1, 0))
        end = max(end, where + weights // block * size)
    return end, offset


def _string(data: mmap.mmap, offset: int) -> tuple[str, int]:
    length = _U64.unpack_from(data, offset)[0]
    end = offset + 8 + length
    if end > len(data):
        raise struct.error
    return data[offset + 8 : end].decode("utf-8"), end


def _value(data: mmap.mmap, offset: int, kind: int) -> tuple[Any, int]:
    if kind == _STRING:
        return _string(data, offset)
    if kind == _ARRAY:
        return _short_array(data, offset), _skip_array(data, offset)
    form = _SCALARS.get(kind)
    if form is None:
        raise struct.error
    return struct.unpack_from(form, data, offset)[0], offset + struct.calcsize(form)


def _short_array(data: mmap.mmap, offset: int) -> tuple[Any, ...] | None:
    kind, length = struct.unpack_from("<IQ", data, offset)
    if kind not in _SCALARS or length > _MAX_LAYERS:
        return None
    return struct.unpack_from(f"<{length}{_SCALARS[kind][1]}", data, offset + 12)


def _skip_array(data: mmap.mmap, offset: int) -> int:
    kind, length = struct.unpack_from("<IQ", data, offset)
    offset += 12
    if length > len(data):
        raise struct.error
    if kind == _STRING:
        unpack = _U64.unpack_from
        for _ in range(length):  # a vocabulary: hundreds of thousands of short strings
            offset += 8 + unpack(data, offset)[0]
    elif kind in _SCALARS:
        offset += length * struct.calcsize(_SCALARS[kind])
    else:
        raise struct.error
    if offset > len(data):
        raise struct.error
    return offset
