"""ALSA and JACK print hundreds of lines when a device is missing; keep them out of the log.

PortAudio asks every back end for devices each time it is initialised, and a missing device is
looked for again and again. What matters is told by PortAudio's own errors.
"""

from __future__ import annotations

import ctypes
from typing import Any

_AlsaHandler = ctypes.CFUNCTYPE(
    None, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p, ctypes.c_int, ctypes.c_char_p
)
_JackHandler = ctypes.CFUNCTYPE(None, ctypes.c_char_p)

# The libraries keep these pointers: they must live as long as the process.
_alsa_says = _AlsaHandler(lambda file, line, function, code, text: None)
_jack_says = _JackHandler(lambda text: None)


def silence() -> None:
    """Let neither print; does nothing where they are not installed."""
    if (alsa := _library("libasound.so.2")) is not None:
        alsa.snd_lib_error_set_handler(_alsa_says)
    if (jack := _library("libjack.so.0")) is not None:
        jack.jack_set_error_function(_jack_says)
        jack.jack_set_info_function(_jack_says)


def _library(name: str) -> Any:
    try:
        return ctypes.CDLL(name)
    except OSError:
        return None
