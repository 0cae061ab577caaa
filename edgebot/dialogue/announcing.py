"""What is due, in words: the scheduler that the outside sees."""

from __future__ import annotations

from collections.abc import Sequence

from edgebot.core.dialogue import Announcement
from edgebot.dialogue.clock import Clock
from edgebot.dialogue.replies import Replies
from edgebot.dialogue.store.schedule import Ring
from edgebot.dialogue.store.store import Store


class Announcer:
    """Words the promises of a store; see ``core.dialogue.Scheduler``."""

    def __init__(self, store: Store, replies: Replies, clock: Clock) -> None:
        self._store = store
        self._replies = replies
        self._clock = clock

    def due(self) -> Sequence[Announcement]:
        """What has come due since the last call, oldest first. Raises ``StoreError``."""
        return [self._announcement(ring) for ring in self._store.schedule.due()]

    def next_due_s(self) -> float | None:
        """Seconds until the next promise is due; None when there is none."""
        return self._store.schedule.next_due_s()

    def ringing(self) -> Sequence[Announcement]:
        """What was handed out and is not done."""
        return [self._announcement(ring) for ring in self._store.schedule.ringing()]

    def done(self, announcement: Announcement) -> None:
        """``announcement`` was heard, silenced, or has rung long enough."""
        self._store.schedule.done(announcement.id)

    def silence(self) -> bool:
        """End everything that rings; False when nothing did."""
        ringing = self._store.schedule.ringing()
        for ring in ringing:
            self._store.schedule.done(ring.id)
        return bool(ringing)

    def close(self) -> None:
        """Close the store beneath."""
        self._store.close()

    def _announcement(self, ring: Ring) -> Announcement:
        now = self._clock.utc().astimezone(self._clock.zone)
        due = ring.due.astimezone(self._clock.zone)
        key = f"announce.{ring.kind}{'_missed' if ring.missed else ''}"
        named = f"{key}_named"
        if ring.label and named in self._replies:
            key = named
        words = self._replies.word(key, {"label": ring.label, "due": due}, now)
        return Announcement(
            id=ring.id,
            kind=ring.kind,
            text=" ".join(words),
            due=due,
            ring=not ring.missed,
            missed=ring.missed,
        )
