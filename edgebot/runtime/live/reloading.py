"""Which settings take effect while the daemon runs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from edgebot.config.settings import Settings

LIVE: tuple[tuple[str, ...], ...] = (
    ("listening",),
    ("vad",),
    ("wake", "sensitivity"),
    ("log_level",),
)
"""Settings, and sections of them, that can be changed while somebody speaks."""


def can_apply(before: Settings, after: Settings) -> bool:
    """Whether all that differs is in :data:`LIVE`; everything else takes a fresh start."""
    return _without_live(before) == _without_live(after)


def _without_live(settings: Settings) -> Mapping[str, Any]:
    values = settings.model_dump()
    for path in LIVE:
        inner = values
        for part in path[:-1]:
            inner = inner[part]
        inner.pop(path[-1], None)
    return values
