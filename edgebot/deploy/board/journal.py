"""What an update is doing, for the next boot and for whoever polls; and one update at a time."""

from __future__ import annotations

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from typing import Any

from .durable import remove, sync_folder, write_json
from .layout import Layout, read_json
from .refusal import Refused

BEFORE = ("unpack", "verify", "packages", "self-test")
"""Steps during which the running release is not touched."""

STOPPED = ("stop", "migrate", "swap", "settings", "switch")
"""Steps during which the service is down; broken off, the old release takes over again."""

AFTER = ("start", "prove")
"""The new release is in force and on trial."""

STEPS = (*BEFORE, *STOPPED, *AFTER, "commit")


class Journal:
    """The update under way. Each step is on disk before anything of it happens."""

    def __init__(self, layout: Layout, facts: dict[str, Any]) -> None:
        self._layout = layout
        self.facts = facts

    @classmethod
    def begin(cls, layout: Layout, **facts: Any) -> Journal:
        """Open the journal of a new update."""
        update = f"{time.time_ns()}-{os.getpid()}"
        return cls(layout, {"update": update, "began": time.time(), **facts})

    @classmethod
    def left(cls, layout: Layout) -> Journal | None:
        """The journal of an update that was broken off."""
        facts = read_json(layout.journal)
        return cls(layout, facts) if facts.get("update") else None

    def __getitem__(self, name: str) -> Any:
        return self.facts.get(name)

    def note(self, **facts: Any) -> None:
        """Write ``facts`` down."""
        self.facts.update(facts)
        write_json(self._layout, self._layout.journal, self.facts)

    def close(self) -> None:
        """The update has ended, one way or the other."""
        remove(self._layout.journal)
        sync_folder(self._layout.home)


class State:
    """``state.json``: how it goes, in words."""

    def __init__(self, layout: Layout, **facts: Any) -> None:
        self._layout = layout
        self.facts: dict[str, Any] = {"outcome": "running", "pid": os.getpid(), **facts}

    def tell(self, **facts: Any) -> None:
        """Write ``facts`` for whoever polls; that it cannot be told breaks no update."""
        self.facts.update(facts, updated=time.time())
        with suppress(OSError):
            write_json(self._layout, self._layout.state, self.facts)


@contextmanager
def only_one(layout: Layout, what: str) -> Iterator[None]:
    """Be the only one who changes the board; raises :class:`Refused`."""
    layout.home.mkdir(parents=True, exist_ok=True)
    with layout.lock.open("a+") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.seek(0)
            raise Refused(
                "busy",
                f"another update is under way on this board ({file.read().strip() or 'unknown'}); "
                "wait for it (`edgebot flash HOST --status`)",
            ) from None
        file.truncate(0)
        started = time.strftime("%Y-%m-%d %H:%M:%S", time.gmtime())
        file.write(f"{what}, process {os.getpid()}, since {started} UTC\n")
        file.flush()
        try:
            yield
        finally:
            file.truncate(0)


def busy(layout: Layout) -> str | None:
    """Who changes the board at the moment."""
    try:
        with layout.lock.open() as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                return file.read().strip() or "unknown"
    except OSError:
        pass
    return None
