"""Running the programs that bundles are made with (uv, cmake), their output read as it comes."""

from __future__ import annotations

import subprocess
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from edgebot.core.errors import BundleError

_LAST_LINES = 15


def run_tool(
    command: Sequence[str | Path],
    line: Callable[[str], None] = lambda text: None,
    environ: Mapping[str, str] | None = None,
) -> None:
    """Run ``command``; ``line`` is given each line it prints.

    Raises :class:`BundleError` with its last lines when it fails or is not there.
    """
    last: deque[str] = deque(maxlen=_LAST_LINES)
    words = [str(word) for word in command]
    try:
        with subprocess.Popen(
            words,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            env=environ,
        ) as process:
            assert process.stdout is not None
            for text in process.stdout:
                last.append(text.rstrip())
                line(text)
    except FileNotFoundError:
        raise BundleError(f"{words[0]} is not on this machine; install it") from None
    if process.returncode:
        said = "\n  ".join(last)
        raise BundleError(f"{' '.join(words[:4])} … failed:\n  {said}\nMend it and run this again.")
