"""Linux input devices, read without a library: which there are, what they can, what they send.

``struct input_event`` is two longs of time, then type, code and value. The ``evdev`` package would
do the same, but has to be compiled on every board: no wheels of it exist.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

_EVENT = struct.Struct("llHHi")
EVENT_BYTES = _EVENT.size
"""Bytes of one event."""

_SYN, _KEY = 0, 1
_SYN_DROPPED = 3
_UP, _DOWN = 0, 1
_WORD_BITS = 8 * struct.calcsize("l")

DROPPED = -1
"""Stands for a key in :func:`key_moves` when the kernel lost events: nothing is sure any more."""


def key_moves(content: bytes) -> Iterator[tuple[int, bool]]:
    """Keys that went down (True) or up in what was read from a device; repeats are left out.

    What is no whole event is left out too.
    """
    whole = len(content) - len(content) % EVENT_BYTES
    for _, _, kind, code, value in _EVENT.iter_unpack(content[:whole]):
        if kind == _KEY and value in (_UP, _DOWN):
            yield code, value == _DOWN
        elif kind == _SYN and code == _SYN_DROPPED:
            yield DROPPED, False


def event_of(code: int, value: int, kind: int = _KEY) -> bytes:
    """One event as the kernel writes it: ``value`` 1 down, 0 up, 2 repeated."""
    return _EVENT.pack(0, 0, kind, code, value)


def name_of(described: Path) -> str:
    """The name of the device that a folder of ``/sys/class/input`` describes; empty if it has none.

    >>> name_of(Path("/nowhere"))
    ''
    """
    return _read(described / "device" / "name")


def has_key(described: Path, code: int) -> bool:
    """Whether that device has the key ``code``."""
    words = _read(described / "device" / "capabilities" / "key").split()
    at, bit = divmod(code, _WORD_BITS)
    try:
        return at < len(words) and bool(int(words[-1 - at], 16) >> bit & 1)
    except ValueError:
        return False


def _read(file: Path) -> str:
    try:
        return file.read_text(errors="replace").strip()
    except OSError:
        return ""
