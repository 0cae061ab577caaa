"""Reading and writing the few parts of an ONNX file that are needed here.

ONNX files are protocol buffers. The encoding (https://protobuf.dev/programming-guides/encoding)
and the field numbers (``onnx.proto``) never change, so a hundred lines stand in for a dependency
of tens of megabytes on the board.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]

_DTYPES = {1: np.float32, 2: np.uint8, 3: np.int8, 6: np.int32, 7: np.int64, 9: np.bool_}
_CODES = {np.dtype(kind): code for code, kind in _DTYPES.items()}
_INT, _FLOAT = 2, 1  # AttributeProto.type


class WireError(ValueError):
    """The bytes are no ONNX file, or one that uses what is not understood here."""


@dataclass(frozen=True, slots=True)
class Node:
    """One operation of a graph."""

    op: str
    inputs: tuple[str, ...]
    outputs: tuple[str, ...]


def read_graph(model: bytes) -> tuple[list[Node], dict[str, Array]]:
    """The operations and the constants of ``model``, in the file's order.

    Raises :class:`WireError`.
    """
    nodes: list[Node] = []
    constants: dict[str, Array] = {}
    for number, value in _fields(memoryview(model)):
        if number != 7:  # ModelProto.graph
            continue
        for part, content in _fields(_bytes(value)):
            if part == 1:  # GraphProto.node
                nodes.append(_node(_bytes(content)))
            elif part == 5:  # GraphProto.initializer
                name, array = _tensor(_bytes(content))
                constants[name] = array
    return nodes, constants


def _fields(data: memoryview) -> Iterator[tuple[int, int | memoryview]]:
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, kind = key >> 3, key & 7
        value: int | memoryview
        if kind == 0:
            value, at = _varint(data, at)
        else:
            if kind == 2:
                size, at = _varint(data, at)
            elif kind in (1, 5):
                size = 8 if kind == 1 else 4
            else:
                raise WireError(f"unknown wire type {kind}")
            value, at = data[at : at + size], at + size
            if len(value) != size:
                raise WireError("the file ends too early")
        yield number, value


def _varint(data: memoryview, at: int) -> tuple[int, int]:
    result = 0
    for shift in range(0, 70, 7):
        if at >= len(data):
            break
        byte = data[at]
        at += 1
        result |= (byte & 0x7F) << shift
        if byte < 0x80:
            return result, at
    raise WireError("the file ends too early or is no protocol buffer")


def _bytes(value: int | memoryview) -> memoryview:
    if isinstance(value, int):
        raise WireError("a number where a message was expected")
    return value


def _text(value: int | memoryview) -> str:
    return bytes(_bytes(value)).decode("utf-8", errors="replace")


def _node(data: memoryview) -> Node:
    inputs: list[str] = []
    outputs: list[str] = []
    op = ""
    for number, value in _fields(data):
        if number == 1:
            inputs.append(_text(value))
        elif number == 2:
            outputs.append(_text(value))
        elif number == 4:
            op = _text(value)
    return Node(op, tuple(inputs), tuple(outputs))


def _tensor(data: memoryview) -> tuple[str, Array]:
    shape: list[int] = []
    name, code, raw = "", 0, memoryview(b"")
    for number, value in _fields(data):
        if number == 1 and isinstance(value, int):
            shape.append(value)
        elif number == 1:
            packed, at = _bytes(value), 0
            while at < len(packed):
                size, at = _varint(packed, at)
                shape.append(size)
        elif number == 2 and isinstance(value, int):
            code = value
        elif number == 8:
            name = _text(value)
        elif number == 9:
            raw = _bytes(value)
    dtype = _DTYPES.get(code)
    if dtype is None or np.dtype(dtype).itemsize * int(np.prod(shape)) != len(raw):
        return name, np.zeros(0)  # stored in a way nothing here needs
    return name, np.frombuffer(raw, dtype).reshape(shape)


def write_tensor(name: str, array: Array) -> bytes:
    """A TensorProto."""
    packed = b"".join(_number(1, size) for size in array.shape)
    raw = np.ascontiguousarray(array).tobytes()
    return packed + _number(2, _CODES[array.dtype]) + _string(8, name) + _message(9, raw)


def write_node(
    op: str,
    inputs: Sequence[str],
    outputs: Sequence[str],
    domain: str = "",
    attributes: Mapping[str, int | float] | None = None,
) -> bytes:
    """A NodeProto."""
    data = b"".join(_string(1, name) for name in inputs)
    data += b"".join(_string(2, name) for name in outputs)
    data += _string(3, f"{op}:{outputs[0]}") + _string(4, op)
    for name, value in (attributes or {}).items():
        content = (
            _number(3, value) + _number(20, _INT)
            if isinstance(value, int)
            else b"\x15" + struct.pack("<f", value) + _number(20, _FLOAT)
        )
        data += _message(5, _string(1, name) + content)
    return data + (_string(7, domain) if domain else b"")


def write_model(
    nodes: Sequence[bytes],
    tensors: Sequence[bytes],
    inputs: Mapping[str, tuple[type, Sequence[str | int]]],
    outputs: Mapping[str, tuple[type, Sequence[str | int]]],
) -> bytes:
    """A whole model; ``inputs`` and ``outputs`` give the type and shape of each."""
    graph = b"".join(_message(1, node) for node in nodes) + _string(2, "edgebot")
    graph += b"".join(_message(5, tensor) for tensor in tensors)
    for number, values in ((11, inputs), (12, outputs)):
        for name, (kind, shape) in values.items():
            graph += _message(number, _value_info(name, kind, shape))
    opsets = _message(8, _string(1, "") + _number(2, 17))
    opsets += _message(8, _string(1, "com.microsoft") + _number(2, 1))
    return _number(1, 8) + _string(2, "edgebot") + _message(7, graph) + opsets


def _value_info(name: str, kind: type, shape: Sequence[str | int]) -> bytes:
    dimensions = b"".join(
        _message(1, _number(1, size) if isinstance(size, int) else _string(2, size))
        for size in shape
    )
    tensor = _number(1, _CODES[np.dtype(kind)]) + _message(2, dimensions)
    return _string(1, name) + _message(2, _message(1, tensor))


def _unsigned(value: int) -> bytes:
    value &= 0xFFFF_FFFF_FFFF_FFFF  # negative numbers are written in two's complement
    parts = bytearray()
    while value > 0x7F:
        parts.append(value & 0x7F | 0x80)
        value >>= 7
    parts.append(value)
    return bytes(parts)


def _number(field: int, value: int) -> bytes:
    return _unsigned(field << 3) + _unsigned(value)


def _message(field: int, content: bytes) -> bytes:
    return _unsigned(field << 3 | 2) + _unsigned(len(content)) + content


def _string(field: int, text: str) -> bytes:
    return _message(field, text.encode("utf-8"))
