"""Progress of downloads on standard error: a bar at a terminal, a line now and then in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
from tqdm import tqdm

QUIET_S = 10.0
"""Longest silence in a log, in seconds, while something is being fetched."""


class Bar:
    """For people at a terminal."""

    def __init__(self) -> None:
        self._bar: tqdm[Any] | None = None

    def say(self, message: str) -> None:
        """Print ``message`` above the bar."""
        tqdm.write(message, file=sys.stderr)

    def begin(self, label: str, total: int | None) -> None:
        """Start a bar."""
        self.end()
        self._bar = tqdm(
            desc=label, total=total, unit="B", unit_scale=True, file=sys.stderr, leave=True
        )

    def advance(self, done: int) -> None:
        """Move the bar to ``done`` bytes."""
        if self._bar is not None:
            total = self._bar.total or done
            self._bar.update(min(done, int(total)) - self._bar.n)

    def end(self) -> None:
        """Leave the bar as it is."""
        if self._bar is not None:
            self._bar.close()
            self._bar = None


class Lines:
    """For logs and pipes."""

    def __init__(self) -> None:
        self._label = ""
        self._total: int | None = None
        self._said = 0.0

    def say(self, message: str) -> None:
        """Print ``message``."""
        click.echo(message, err=True)

    def begin(self, label: str, total: int | None) -> None:
        """Say what starts."""
        self._label, self._total, self._said = label, total, time.monotonic()
        self.say(f"{label} ({human(total)})" if total else label)

    def advance(self, done: int) -> None:
        """Say how far it is, unless that was said a moment ago."""
        if time.monotonic() - self._said >= QUIET_S:
            self._said = time.monotonic()
            of = f" of {human(self._total)}" if self._total else ""
            self.say(f"{self._label}: {human(done)}{of}")

    def end(self) -> None:
        """Nothing: the next line says what comes next."""


@contextmanager
def progress() -> Iterator[Bar | Lines]:
    """What suits standard error as it is; ended whatever happens."""
    shown: Bar | Lines = Bar() if sys.stderr.isatty() else Lines()
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
