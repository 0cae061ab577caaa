"""Words that only this household uses: names of its timers and lists."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence

from edgebot.core.errors import StoreError
from edgebot.dialogue.store.store import Store

log = logging.getLogger(__name__)


class Vocabulary:
    """Slot values from the store, for templates and for the speech grammar."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def lists(self) -> Mapping[str, Sequence[str]]:
        """``timer_name`` and ``list_name``; empty while the store cannot be read."""
        try:
            timers = [promise.label for promise in self._store.promises.open("timer")]
            return {
                "timer_name": [label for label in dict.fromkeys(timers) if label],
                "list_name": self._store.lists.names(),
            }
        except StoreError as problem:
            log.warning("%s", problem)
            return {}
