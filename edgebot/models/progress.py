"""What a fetch tells whoever watches it."""

from __future__ import annotations

from typing import Protocol


class Progress(Protocol):
    """Somebody who is told how a fetch gets on."""

    def say(self, message: str) -> None:
        """Something worth a line of its own."""

    def begin(self, label: str, total: int | None) -> None:
        """A download or copy of ``total`` bytes (None: unknown) starts."""

    def advance(self, done: int) -> None:
        """``done`` bytes of it are there."""

    def end(self) -> None:
        """It is over, well or badly."""


class Silent:
    """Nobody watches."""

    def say(self, message: str) -> None:
        """Dropped."""

    def begin(self, label: str, total: int | None) -> None:
        """Dropped."""

    def advance(self, done: int) -> None:
        """Dropped."""

    def end(self) -> None:
        """Dropped."""
