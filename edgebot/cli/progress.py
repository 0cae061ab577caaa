"""Progress on standard error: a bar at a terminal, a line now and then in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
from tqdm import tqdm

QUIET_S = 10.0
"""Longest silence in a log, in seconds, while something is being done."""


class Bar:
    """For people at a terminal."""

    def __init__(self, of_bytes: bool = True) -> None:
        """``of_bytes``: what is counted; anything else is a step of a whole."""
        self._of_bytes = of_bytes
        self._bar: tqdm[Any] | None = None

    def say(self, message: str) -> None:
        """Print ``message`` above the bar."""
        tqdm.write(message, file=sys.stderr)

    def begin(self, label: str, total: int | None) -> None:
        """Start a bar."""
        self.end()
        look: dict[str, Any] = {"desc": f"  {label}", "leave": False}
        if self._of_bytes:
            look = {"desc": label, "unit": "B", "unit_scale": True}
        self._bar = tqdm(total=total, file=sys.stderr, **look)

    def advance(self, done: int) -> None:
        """Move the bar to ``done``."""
        if self._bar is not None:
            total = self._bar.total or done
            self._bar.update(min(done, int(total)) - self._bar.n)

    def end(self) -> None:
        """No more of it."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


class Lines:
    """For logs and pipes."""

    def __init__(self, of_bytes: bool = True) -> None:
        """``of_bytes``: as for :class:`Bar`; a step is said only once it takes long."""
        self._of_bytes = of_bytes
        self._label = ""
        self._total: int | None = None
        self._said = 0.0

    def say(self, message: str) -> None:
        """Print ``message``."""
        click.echo(message, err=True)

    def begin(self, label: str, total: int | None) -> None:
        """Say what starts."""
        self._label, self._total, self._said = label, total, time.monotonic()
        if self._of_bytes:
            self.say(f"{label} ({human(total)})" if total else label)

    def advance(self, done: int) -> None:
        """Say how far it is, unless that was said a moment ago."""
        if time.monotonic() - self._said >= QUIET_S:
            self._said = time.monotonic()
            written = human if self._of_bytes else str
            indent = "" if self._of_bytes else "  "
            of = f" of {written(self._total)}" if self._total else ""
            self.say(f"{indent}{self._label}: {written(done)}{of}")

    def end(self) -> None:
        """Nothing: the next line says what comes next."""


@contextmanager
def progress(*, of_bytes: bool = True) -> Iterator[Bar | Lines]:
    """What suits standard error as it is; ended whatever happens."""
    shown: Bar | Lines = Bar(of_bytes) if sys.stderr.isatty() else Lines(of_bytes)
    try:
        yield shown
    finally:
        shown.end()


def human(size: int | None) -> str:
    """A number of bytes as people write it."""
    if size is None:
        return "?"
    units = ["B", "kB", "MB", "GB"]
    amount = float(size)
    while amount >= 999.5 and len(units) > 1:
        amount /= 1000
        units.pop(0)
    digits = 0 if units[0] == "B" or amount >= 99.5 else 1
    return f"{amount:.{digits}f} {units[0]}"
