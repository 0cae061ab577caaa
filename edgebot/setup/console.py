"""Progress on standard error, and running of commands whose output is distilled into it."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path

QUIET_S = 20.0
"""Without a terminal, a line is printed at most this often."""


class StepFailed(Exception):
    """A step cannot be finished; the message says why and what to do."""


class Console:
    """Shows one step: a line that is rewritten on a terminal, a line now and then elsewhere."""

    def __init__(self, title: str) -> None:
        self._title = title
        self._tty = sys.stderr.isatty()
        self._began = self._printed = time.monotonic()
        self._write(f"{title} …" + ("" if self._tty else "\n"))

    def show(self, detail: str) -> None:
        """Say where the step stands."""
        now = time.monotonic()
        if self._tty:
            width = shutil.get_terminal_size().columns - 1
            line = f"{self._title}: {detail} ({now - self._began:.0f} s)"
            self._write("\r\x1b[K" + line[:width])
        elif now - self._printed >= QUIET_S:
            self._printed = now
            self._write(f"    {detail} ({now - self._began:.0f} s)\n")

    def end(self, outcome: str) -> None:
        """Close the step with ``outcome``."""
        took = time.monotonic() - self._began
        start = "\r\x1b[K" if self._tty else ""
        self._write(f"{start}{self._title}: {outcome} ({took:.0f} s)\n")

    @staticmethod
    def _write(text: str) -> None:
        sys.stderr.write(text)
        sys.stderr.flush()


def run(
    command: list[str],
    console: Console,
    *,
    distil: Callable[[str], str | None] = lambda line: line,
    cwd: Path | None = None,
    environ: Mapping[str, str] | None = None,
) -> None:
    """Run ``command``; each output line goes through ``distil``, what it returns is shown.

    Raises :class:`StepFailed` with the last lines of output when it fails.
    """
    tail: deque[str] = deque(maxlen=30)
    try:
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env=dict(environ) if environ is not None else None,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
        )
    except OSError as error:
        raise StepFailed(f"{command[0]} cannot be started: {error}") from None
    assert process.stdout is not None
    try:
        for line in process.stdout:
            tail.append(line.rstrip())
            if shown := distil(line.strip()):
                console.show(shown)
        code = process.wait()
    except BaseException:
        process.terminate()
        process.wait()
        raise
    if code:
        raise StepFailed(f"{' '.join(command)}\nfailed with {code}:\n" + "\n".join(tail))


def pass_through(command: list[str], environ: Mapping[str, str] | None = None) -> None:
    """Run ``command`` with its own progress on our standard error."""
    sys.stderr.write("\n")
    result = subprocess.run(
        command,
        stdin=subprocess.DEVNULL,
        stdout=sys.stderr,
        env=dict(environ) if environ is not None else None,
        check=False,
    )
    if result.returncode:
        raise StepFailed(f"{' '.join(command)}\nfailed with {result.returncode}; see above")
