"""A daemon in a simulated room: for measurements, tests and `edgebot run --hear`."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from types import TracebackType
from typing import Any

from edgebot.core.audio import RATE_HZ, Samples
from edgebot.runtime.live.daemon import Daemon
from edgebot.runtime.live.jobs import Outcome
from edgebot.runtime.live.manners import Hooks
from edgebot.runtime.live.starting import open_daemon
from edgebot.runtime.wiring import Assembly

PATIENCE_S = 120.0


class Rehearsal:
    """Runs the daemon of ``assembly`` in ``room`` on a thread of its own.

    ``room`` is a :class:`~edgebot.audio.room.Room`; its clock waits while the daemon works, so
    that runs come out the same, unless it has a ``speed``.
    """

    def __init__(
        self, assembly: Assembly, room: Any, *, listening: bool = True, hooks: Hooks | None = None
    ) -> None:
        """``listening``: open the microphone for each of :meth:`ask`, without a wake word.

        ``hooks``: others than those that fill :attr:`states`.
        """
        self.room = room
        self.states: list[str] = []
        self.outcomes: list[Outcome] = []
        self._listening = listening
        self._failure: BaseException | None = None
        hooks = hooks or Hooks(state=self.states.append)
        self.daemon: Daemon = open_daemon(
            assembly, room, hooks=hooks, on_outcome=self.outcomes.append
        )
        room.busy = self.daemon.activity.busy
        self._thread = threading.Thread(target=self._run, name="daemon")

    def __enter__(self) -> Rehearsal:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        failure: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.daemon.order("stop")
        self.room.close()
        self._thread.join(PATIENCE_S)
        if failure is None and self._failure is not None:
            raise self._failure

    def ask(self, samples: Samples, *, wait: bool = True) -> range:
        """Let a person say ``samples`` (16 kHz); the positions it takes on the room's clock.

        ``wait``: until the turn is over and what was said has sounded.
        """
        turns = len(self.outcomes)
        if self._listening:
            self.daemon.listener.open("button")
            self.wait_for(self.daemon.listener.listening)
        spoken: range = self.room.say(samples, self.room.position / RATE_HZ + 0.3)
        if wait:
            self.wait_for(lambda: len(self.outcomes) > turns)
        return spoken

    def wait_for(self, condition: Callable[[], bool], patience_s: float = PATIENCE_S) -> None:
        """Real time passes until ``condition``; raises ``TimeoutError`` when it does not come."""
        end = time.monotonic() + patience_s
        while not condition():
            if self._failure is not None:
                raise self._failure
            if time.monotonic() > end:
                raise TimeoutError(f"nothing happened for {patience_s:g} s")
            time.sleep(0.002)

    def _run(self) -> None:
        try:
            self.daemon.run()
        except BaseException as failure:  # noqa: BLE001 - raised to whoever waits
            self._failure = failure
