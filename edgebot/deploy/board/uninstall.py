"""Leaving nothing behind."""

from __future__ import annotations

import subprocess

from . import packages, units
from .durable import remove
from .layout import Layout
from .service import service_of


def uninstall(layout: Layout, *, keep_data: bool = False) -> list[str]:
    """Stop the service and remove everything a flash has put on the board; what was removed."""
    service_of(layout).stop()
    units.unlink(layout)
    packages.purge(layout)
    places = [layout.runtime, layout.cache, layout.kept, layout.home]
    if not keep_data:
        places = [layout.data, layout.settings, *places]
    removed = []
    for place in places:
        if place.exists() or place.is_symlink():
            remove(place)
            removed.append(str(place))
    if layout.whole_machine:
        for words in (["systemctl", "daemon-reload"], ["userdel", "edgebot"]):
            subprocess.run(words, check=False, capture_output=True)
    return removed
