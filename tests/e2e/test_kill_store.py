"""What was promised survives kill -9 at any moment.

A child writes promises and acknowledges each one on a pipe once the store has returned; it is
killed at random. Nothing that was acknowledged may be missing, nothing that was called off may
come back, and the file must be whole. ``EDGEBOT_KILL_ROUNDS=1000`` plays the long game (a kill
takes back nothing that reached the kernel: what a power cut takes is ``synchronous=FULL``'s part).
"""

from __future__ import annotations

import multiprocessing
import os
import random
import signal
import sqlite3
import time
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from pathlib import Path

from edgebot.dialogue.clock import SystemClock
from edgebot.dialogue.store.store import Store

ROUNDS = int(os.environ.get("EDGEBOT_KILL_ROUNDS", "100"))
SEED = int(os.environ.get("EDGEBOT_KILL_SEED", "1"))
BEFORE_THE_FIRST_WORD = 0.2
"""Share of the rounds in which the child is killed while it opens the file."""


def promise(directory: str, seed: int, acknowledge: Connection) -> None:
    """The child: promises until it is killed."""
    chance = random.Random(seed)
    store = Store(Path(directory), SystemClock("Europe/Berlin"), backup_every_s=0.05)
    mine: list[int] = []
    for n in range(100_000):
        name = f"{seed}-{n}"
        what = chance.choice(("timer", "item", "memory", "cancel", "ring"))
        if what == "timer":
            mine.append(store.promises.add_timer(3600 + n, name).id)
            acknowledge.send(("timer", mine[-1], name))
        elif what == "item":
            store.lists.add("shopping", [name])
            acknowledge.send(("item", 0, name))
        elif what == "memory":
            acknowledge.send(("memory", store.memories.add(name).id, name))
        elif what == "cancel" and mine:
            gone = mine.pop(chance.randrange(len(mine)))
            acknowledge.send(("cancelling", gone, ""))
            store.promises.cancel([gone])
            acknowledge.send(("cancel", gone, ""))
        elif what == "ring":
            store.promises.add_timer(0, name)
            for ring in store.schedule.due():
                store.schedule.done(ring.id)
                acknowledge.send(("told", ring.promise_id, ring.label))


@dataclass
class Acknowledged:
    """What we were told is safe."""

    timers: dict[int, str] = field(default_factory=dict)
    items: set[str] = field(default_factory=set)
    memories: dict[int, str] = field(default_factory=dict)
    cancelled: set[int] = field(default_factory=set)
    told: set[int] = field(default_factory=set)

    def take(self, what: str, number: int, name: str) -> None:
        """Note one acknowledgement."""
        if what == "timer":
            self.timers[number] = name
        elif what == "item":
            self.items.add(name)
        elif what == "memory":
            self.memories[number] = name
        elif what == "cancelling":  # from here on it may be there or not
            self.timers.pop(number)
        elif what == "cancel":
            self.cancelled.add(number)
        else:
            self.told.add(number)

    def check(self, store: Store) -> None:
        """Everything acknowledged holds."""
        waiting = {one.id: one.label for one in store.promises.open()}
        assert self.timers.items() <= waiting.items()
        assert not self.cancelled & waiting.keys()
        assert not self.told & waiting.keys()
        assert self.items <= {item.text for item in store.lists.items("shopping") or ()}
        assert self.memories.items() <= {m.id: m.text for m in store.memories.all()}.items()
        again = {ring.promise_id for ring in store.schedule.due()}
        assert not self.told & again


def round_of(directory: Path, number: int, chance: random.Random, safe: Acknowledged) -> int:
    """Let a child promise for a while and kill it; the number of its acknowledgements."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([__name__, "edgebot.dialogue.store.store"])
    ours, theirs = context.Pipe(duplex=False)
    child = context.Process(target=promise, args=(str(directory), number, theirs), daemon=True)
    child.start()
    theirs.close()
    if chance.random() >= BEFORE_THE_FIRST_WORD:
        ours.poll(30)
    time.sleep(chance.uniform(0.0, 0.06))
    assert child.pid is not None
    os.kill(child.pid, signal.SIGKILL)
    child.join()
    count = 0
    try:
        while True:
            safe.take(*ours.recv())
            count += 1
    except EOFError:
        return count


def test_nothing_that_was_acknowledged_is_lost(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    safe = Acknowledged()
    acknowledged = 0
    for number in range(ROUNDS):
        acknowledged += round_of(tmp_path, number, chance, safe)
        store = Store(tmp_path, SystemClock("Europe/Berlin"), backup_every_s=0.05)
        safe.check(store)
        assert store.file.notices == [], f"round {number}"
        store.close()
    assert acknowledged > ROUNDS, "the children hardly got a word in: the test proves nothing"
    whole = sqlite3.connect(tmp_path / "assistant.db").execute("PRAGMA integrity_check").fetchone()
    assert whole == ("ok",)
    leftovers = [p.name for p in tmp_path.iterdir() if "damaged" in p.name]
    assert leftovers == []


def test_the_backups_of_a_killed_writer_are_whole(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    safe = Acknowledged()
    for number in range(20):
        round_of(tmp_path, number, chance, safe)
    backups = sorted(tmp_path.glob("assistant.db.backup-[0-9]"))
    assert backups
    for backup in backups:
        found = sqlite3.connect(f"file:{backup}?mode=ro", uri=True)
        assert found.execute("PRAGMA integrity_check").fetchone() == ("ok",)
