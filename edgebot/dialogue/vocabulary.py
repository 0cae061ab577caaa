"""Words that only this household uses: names of its timers, lists, devices and rooms."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from edgebot.core.errors import StoreError
from edgebot.dialogue.home import HomeLink
from edgebot.dialogue.store.store import Store

log = logging.getLogger(__name__)


class Vocabulary:
    """Slot values from store and home, for templates and for the speech grammar."""

    def __init__(self, store: Store, home: HomeLink | None = None) -> None:
        self._store = store
        self._home = home

    def lists(self) -> Mapping[str, Sequence[str | Mapping[str, Any]]]:
        """``timer_name`` and ``list_name``, unless the store cannot be read; ``home_device`` and
        ``home_area`` where a home is connected."""
        found: dict[str, Sequence[str | Mapping[str, Any]]] = {}
        try:
            timers = [promise.label for promise in self._store.promises.open("timer")]
            found["timer_name"] = [label for label in dict.fromkeys(timers) if label]
            found["list_name"] = self._store.lists.every_name()
        except StoreError as problem:
            log.warning("%s", problem)
        if self._home is not None and self._home.homes:
            found.update(self._home.words())
        return found
