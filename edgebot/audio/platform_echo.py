"""The echo canceller of the sound server, where one is set up."""

from __future__ import annotations

import shutil
import subprocess

NAME = "echo-cancel"
"""Part of the name that PipeWire and PulseAudio give to the devices of their canceller."""


def platform_canceller() -> tuple[str, str] | None:
    """Names of its source and its sink as ``pactl`` lists them; None where there is none."""
    source, sink = _first("sources"), _first("sinks")
    return (source, sink) if source and sink else None


def _first(kind: str) -> str | None:
    if shutil.which("pactl") is None:
        return None
    try:
        done = subprocess.run(
            ["pactl", "list", "short", kind], capture_output=True, text=True, timeout=3, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return None
    return find(done.stdout)


def find(listing: str) -> str | None:
    """The canceller's device in a listing of ``pactl list short``."""
    for line in listing.splitlines():
        columns = line.split("\t")
        if len(columns) > 1 and NAME in columns[1].replace("_", "-"):
            if columns[1].endswith(".monitor"):
                continue
            return columns[1]
    return None
