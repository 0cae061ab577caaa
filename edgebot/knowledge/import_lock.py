"""One import at a time, also between processes."""

from __future__ import annotations

import contextlib
import fcntl
from collections.abc import Callable, Iterator
from pathlib import Path

from edgebot.core.errors import StoreError


@contextlib.contextmanager
def import_lock(database: Path, waiting: Callable[[], None]) -> Iterator[None]:
    """Hold the lock beside ``database``; ``waiting`` is called once when another import has it.

    The kernel frees the lock when its process ends, however it ends.
    """
    try:
        file = database.with_name(database.name + ".lock").open("a")
    except OSError as error:
        raise StoreError(f"{database.parent} cannot be written to ({error})") from error
    with file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            waiting()
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
