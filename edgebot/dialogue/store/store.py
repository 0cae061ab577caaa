"""The store as the skills see it."""

from __future__ import annotations

from pathlib import Path

from edgebot.dialogue.clock import Clock
from edgebot.dialogue.store.file import StoreFile
from edgebot.dialogue.store.lists import Lists
from edgebot.dialogue.store.memories import Memories
from edgebot.dialogue.store.preferences import Preferences
from edgebot.dialogue.store.promises import Promises
from edgebot.dialogue.store.schedule import GRACE_S, Schedule

FILE = "assistant.db"


class Store:
    """Promises, lists, memories and preferences in ``assistant.db`` of the state directory."""

    def __init__(
        self,
        directory: Path,
        clock: Clock,
        grace_s: float = GRACE_S,
        backup_every_s: float = 300.0,
    ) -> None:
        self.file = StoreFile(directory / FILE, backup_every_s=backup_every_s)
        self.clock = clock
        self.promises = Promises(self.file, clock)
        self.schedule = Schedule(self.file, clock, grace_s)
        self.lists = Lists(self.file, clock)
        self.memories = Memories(self.file, clock)

    def preferences(self, owner: str) -> Preferences:
        """The values of one owner."""
        return Preferences(self.file, owner)

    def close(self) -> None:
        """Back up and close the file."""
        self.file.close()
