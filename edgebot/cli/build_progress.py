"""Progress of a build on standard error: a bar at a terminal, a line now and then in a log."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import click
from tqdm import tqdm

QUIET_S = 10.0
"""Longest silence in a log, in seconds."""


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
        self._bar = tqdm(desc=f"  {label}", total=total, file=sys.stderr, leave=False)

    def advance(self, done: int) -> None:
        """Move the bar to ``done``."""
        if self._bar is not None:
            self._bar.update(done - self._bar.n)

    def end(self) -> None:
        """Take the bar away."""
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
        """Remember what starts; it is said once it takes long."""
        self._label, self._total, self._said = label, total, time.monotonic()

    def advance(self, done: int) -> None:
        """Say how far it is, unless that was said a moment ago."""
        if time.monotonic() - self._said >= QUIET_S:
            self._said = time.monotonic()
            of = f" of {self._total}" if self._total else ""
            self.say(f"  {self._label}: {done}{of}")

    def end(self) -> None:
        """Nothing: the next line says what comes next."""


@contextmanager
def build_progress() -> Iterator[Bar | Lines]:
    """What suits standard error as it is; ended whatever happens."""
    shown: Bar | Lines = Bar() if sys.stderr.isatty() else Lines()
    try:
        yield shown
    finally:
        shown.end()
