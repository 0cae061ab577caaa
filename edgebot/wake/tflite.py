"""A look at TensorFlow Lite models before the wake word packages open them.

Those packages take the library's word for nothing: a damaged file ends in a null pointer, and with
it the whole process. So it is opened here once, with every answer looked at.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from edgebot.core.errors import EngineError

_MAGIC = b"TFL3"


def check_model(
    path: Path, library: Path, kind: str, *, shape: Sequence[int], resize: bool = False
) -> None:
    """Open the model at ``path`` and close it again.

    ``shape``: that of its input, 0 for any; with ``resize`` the input is made so first. Raises
    :class:`EngineError` when it is no ``kind`` of model or damaged.
    """
    try:
        with path.open("rb") as file:
            head = file.read(8)
    except OSError as error:
        raise EngineError(f"{path}: cannot be read ({error.strerror})") from None
    if head[4:8] != _MAGIC:
        raise EngineError(f"{path}: not a TensorFlow Lite model; run `edgebot models verify`")
    if not _opens(_bound(library), path, shape, resize):
        raise EngineError(f"{path}: damaged, or no {kind}; run `edgebot models verify`")


def _opens(lib: Any, path: Path, shape: Sequence[int], resize: bool) -> bool:
    model = lib.TfLiteModelCreateFromFile(str(path.resolve()).encode())
    if not model:
        return False
    interpreter = lib.TfLiteInterpreterCreate(model, None)
    try:
        if not interpreter or lib.TfLiteInterpreterGetInputTensorCount(interpreter) < 1:
            return False
        if resize:
            sizes = (ctypes.c_int32 * len(shape))(*shape)
            if lib.TfLiteInterpreterResizeInputTensor(interpreter, 0, sizes, len(shape)):
                return False
        if lib.TfLiteInterpreterAllocateTensors(interpreter):
            return False
        tensor = lib.TfLiteInterpreterGetInputTensor(interpreter, 0)
        if not tensor or lib.TfLiteTensorNumDims(tensor) != len(shape):
            return False
        found = [lib.TfLiteTensorDim(tensor, axis) for axis in range(len(shape))]
        if any(wanted not in (0, size) for wanted, size in zip(shape, found, strict=True)):
            return False
        return bool(lib.TfLiteInterpreterInvoke(interpreter) == 0)
    finally:
        if interpreter:
            lib.TfLiteInterpreterDelete(interpreter)
        lib.TfLiteModelDelete(model)


def _bound(library: Path) -> Any:
    """The library with the types of what is called here; a handle of our own, so that the types
    of the packages' handles stay theirs."""
    lib = ctypes.CDLL(str(library))
    pointer, number, status = ctypes.c_void_p, ctypes.c_int32, ctypes.c_int
    for name, result, arguments in (
        ("TfLiteModelCreateFromFile", pointer, [ctypes.c_char_p]),
        ("TfLiteModelDelete", None, [pointer]),
        ("TfLiteInterpreterCreate", pointer, [pointer, pointer]),
        ("TfLiteInterpreterDelete", None, [pointer]),
        ("TfLiteInterpreterGetInputTensorCount", number, [pointer]),
        ("TfLiteInterpreterGetInputTensor", pointer, [pointer, number]),
        ("TfLiteInterpreterResizeInputTensor", status, [pointer, number, pointer, number]),
        ("TfLiteInterpreterAllocateTensors", status, [pointer]),
        ("TfLiteInterpreterInvoke", status, [pointer]),
        ("TfLiteTensorNumDims", number, [pointer]),
        ("TfLiteTensorDim", number, [pointer, number]),
    ):
        function = getattr(lib, name)
        function.restype, function.argtypes = result, arguments
    return lib
