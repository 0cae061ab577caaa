"""The file beside an ONNX graph in which its weights lie."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import IO, Any

import numpy as np
import numpy.typing as npt
from onnx import TensorProto

from edgebot.nlg.onnx_export import WEIGHTS

_ALIGNMENT = 4096
"""Bytes: tensors begin at pages, so that they can be mapped."""

_TYPES = {"float32": TensorProto.FLOAT, "uint8": TensorProto.UINT8, "int64": TensorProto.INT64}


class WeightsFile:
    """Appends tensors and remembers where each one lies."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self.tensors: list[Any] = []
        self._sha256 = hashlib.sha256()

    def add(self, name: str, array: npt.NDArray[Any]) -> str:
        """Append ``array`` as the initializer ``name``."""
        self._write(bytes(-self._file.tell() % _ALIGNMENT))
        offset = self._file.tell()
        self._write(np.ascontiguousarray(array).tobytes())
        self._place(name, array.dtype.name, array.shape, offset, array.nbytes)
        return name

    def alias(self, name: str, of: str, shape: Sequence[int]) -> str:
        """The bytes of the initializer ``of`` again, as ``name`` in another ``shape``."""
        known = next(tensor for tensor in self.tensors if tensor.name == of)
        where = {entry.key: entry.value for entry in known.external_data}
        kind = next(key for key, value in _TYPES.items() if value == known.data_type)
        self._place(name, kind, shape, int(where["offset"]), int(where["length"]))
        return name

    def _place(self, name: str, kind: str, shape: Sequence[int], offset: int, length: int) -> None:
        tensor = TensorProto(name=name, data_type=_TYPES[kind], dims=list(shape))
        tensor.data_location = TensorProto.EXTERNAL
        for key, value in (("location", WEIGHTS), ("offset", offset), ("length", length)):
            tensor.external_data.add(key=key, value=str(value))
        self.tensors.append(tensor)

    def _write(self, data: bytes) -> None:
        self._file.write(data)
        self._sha256.update(data)

    @property
    def sha256(self) -> str:
        """Of all that was written."""
        return self._sha256.hexdigest()
