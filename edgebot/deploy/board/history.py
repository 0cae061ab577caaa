"""Which release came before, which have proved themselves, and who is on probation."""

from __future__ import annotations

from typing import Any

from .durable import write_json
from .layout import Layout, read_json

UNHEALTHY_BOOTS = 3
"""So many boots without a healthy answer, and a release on probation is replaced."""


class History:
    """``history.json``."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self.facts: dict[str, Any] = read_json(layout.history)

    @property
    def previous(self) -> str | None:
        """The release to go back to; None when there is none whole."""
        name = self.facts.get("previous")
        whole = isinstance(name, str) and self._layout.release(name).is_dir()
        return name if whole else None

    @property
    def floor(self) -> int:
        """Nothing that was made before this moment is taken (seconds since 1970)."""
        return int(self.facts.get("floor", 0))

    @property
    def probation(self) -> dict[str, Any] | None:
        """``release``, ``boots``, ``update`` of a release that has not proved itself at a boot."""
        found = self.facts.get("probation")
        return found if isinstance(found, dict) else None

    def note(self, **facts: Any) -> None:
        """Write ``facts`` down, durably; None removes one."""
        self.facts.update(facts)
        self.facts = {name: value for name, value in self.facts.items() if value is not None}
        write_json(self._layout, self._layout.history, self.facts)
