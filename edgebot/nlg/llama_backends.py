"""The processor's code of llama.cpp, where it comes as libraries of their own.

A wheel made for boards carries one library a processor level and loads none by itself. One made
for this machine has its code built in, and must not get a second.
"""

from __future__ import annotations

import ctypes
import os

import llama_cpp._ggml as ggml

from edgebot.core.errors import EngineError


def load_backends() -> None:
    """Load the best library for this processor unless one is there already.

    Raises :class:`EngineError` when none of them runs here.
    """
    library = ggml.libggml
    count = library.ggml_backend_reg_count
    count.restype = ctypes.c_size_t
    if count():
        return
    load = library.ggml_backend_load_all_from_path
    load.argtypes, load.restype = [ctypes.c_char_p], None
    load(os.fsencode(ggml.libggml_base_path))
    if not count():
        raise EngineError(
            f"llama.cpp has no code for this processor in {ggml.libggml_base_path}; "
            "flash the board with the bundle of its own architecture"
        )
