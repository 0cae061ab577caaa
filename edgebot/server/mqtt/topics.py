"""The topics of one assistant."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Topics:
    """Where it publishes and what it listens to."""

    node: str
    prefix: str
    """Of the discovery."""

    @property
    def availability(self) -> str:
        """``online`` or ``offline``, retained; the last will is ``offline``."""
        return f"edgebot/{self.node}/availability"

    @property
    def birth(self) -> str:
        """Where Home Assistant says that it has started."""
        return f"{self.prefix}/status"

    def state(self, what: str) -> str:
        """Where the state of ``what`` is published, retained."""
        return f"edgebot/{self.node}/{what}"

    def command(self, what: str) -> str:
        """Where orders for ``what`` come in."""
        return f"edgebot/{self.node}/{what}/set"

    def discovery(self, component: str, what: str) -> str:
        """Where an entity is announced."""
        return f"{self.prefix}/{component}/{self.node}/{what}/config"
