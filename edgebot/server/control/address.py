"""Where the control socket is."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from pathlib import Path

from edgebot.dialogue.turnlog import turns_file

_LONGEST = 100
"""Bytes that the name of a Unix socket may surely have (the kernel takes 107)."""


def socket_file(state_dir: Path) -> Path:
    """The control socket of the daemon of ``state_dir``."""
    turns = turns_file(state_dir)
    return turns.with_name(turns.name.replace("turns", "control", 1)).with_suffix(".sock")


@contextlib.contextmanager
def reachable(file: Path) -> Iterator[str]:
    """A name of ``file`` that is short enough for the kernel."""
    if len(os.fsencode(file)) <= _LONGEST:
        yield str(file)
        return
    folder = os.open(file.parent, os.O_PATH | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{folder}/{file.name}"
    finally:
        os.close(folder)
