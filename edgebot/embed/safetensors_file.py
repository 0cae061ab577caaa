"""Reading and writing safetensors files: a JSON header, then the tensors one after the other.

https://huggingface.co/docs/safetensors/index#format. Fifty lines stand in for a dependency, and
unlike it they never run anything but ``json`` over what a file says.
"""

from __future__ import annotations

import json
import math
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from edgebot.core.errors import ModelCorrupt

Array: TypeAlias = npt.NDArray[Any]

_DTYPES = {
    "F64": np.float64,
    "F32": np.float32,
    "F16": np.float16,
    "I64": np.int64,
    "I32": np.int32,
    "I8": np.int8,
    "U8": np.uint8,
    "BOOL": np.bool_,
}
_NAMES = {np.dtype(kind): name for name, kind in _DTYPES.items()}
_LONGEST_HEADER = 100_000_000
_ABOUT = "__metadata__"


def read_safetensors(path: Path) -> tuple[dict[str, Array], dict[str, str]]:
    """Tensors by name, mapped from the file and read-only, and what the file says about itself.

    Raises ``ModelCorrupt`` when ``path`` is no such file, ends too early or holds a kind of number
    that nothing here reads.
    """
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            first = file.read(8)
            length = struct.unpack("<Q", first)[0] if len(first) == 8 else -1
            if not 2 <= length <= min(_LONGEST_HEADER, size - 8):
                raise ModelCorrupt(f"{path}: no safetensors file, or it ends too early; {_AGAIN}")
            header = json.loads(file.read(length))
        if not isinstance(header, dict):
            raise ValueError("the header is no mapping")
        content = np.memmap(path, np.uint8, "r", offset=8 + length) if size > 8 + length else None
        about = header.pop(_ABOUT, {})
        return {name: _tensor(name, entry, content) for name, entry in header.items()}, about
    except OSError as error:
        reason = error.strerror or str(error)
        raise ModelCorrupt(f"{path}: cannot be read ({reason}); {_AGAIN}") from None
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        raise ModelCorrupt(f"{path}: damaged ({error}); {_AGAIN}") from None


_AGAIN = "run `edgebot models verify`, or make it again"


def _tensor(name: str, entry: Any, content: npt.NDArray[np.uint8] | None) -> Array:
    if entry["dtype"] not in _DTYPES:
        raise ValueError(f"{name} holds {entry['dtype']} numbers, which are not read here")
    dtype, shape = np.dtype(_DTYPES[entry["dtype"]]), tuple(int(n) for n in entry["shape"])
    begin, end = (int(at) for at in entry["data_offsets"])
    held = 0 if content is None else len(content)
    if min((0, *shape)) < 0 or end - begin != math.prod(shape) * dtype.itemsize:
        raise ValueError(f"{name} has another size than its shape says")
    if not 0 <= begin <= end <= held:
        raise ValueError(f"it ends before {name} does")
    if content is None or begin == end:
        return np.zeros(shape, dtype)
    return content[begin:end].view(dtype).reshape(shape)


def write_safetensors(
    path: Path, tensors: Mapping[str, Array], about: Mapping[str, str] | None = None
) -> None:
    """Write ``tensors`` to ``path``, sorted by name: the same tensors give the same bytes."""
    header: dict[str, Any] = {_ABOUT: dict(sorted((about or {}).items()))} if about else {}
    at, arrays = 0, []
    # The widest kinds of numbers first, so that each begins where its kind may lie in memory.
    order = sorted(tensors, key=lambda name: (-tensors[name].dtype.itemsize, name))
    for name in order:
        array = np.ascontiguousarray(tensors[name])
        header[name] = {
            "dtype": _NAMES[array.dtype],
            "shape": list(array.shape),
            "data_offsets": [at, at + array.nbytes],
        }
        at += array.nbytes
        arrays.append(array)
    text = json.dumps(header, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    with path.open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        for array in arrays:
            file.write(array.tobytes())
