from __future__ import annotations

import threading

import pytest

from edgebot.core.cancel import Cancellation
from edgebot.core.channel import Channel
from edgebot.core.errors import Cancelled
from edgebot.core.threads import ThreadGroup


def test_the_block_ends_when_all_threads_have() -> None:
    done: list[str] = []
    with ThreadGroup(Cancellation()) as group:
        group.start("a", lambda: done.append(threading.current_thread().name))
        group.start("b", lambda: done.append(threading.current_thread().name))
    assert sorted(done) == ["a", "b"]


def test_the_first_failure_ends_the_others_and_is_raised() -> None:
    channel: Channel[int] = Channel()
    cancellation = Cancellation()
    drained: list[int] = []

    def fail() -> None:
        raise RuntimeError("engine gone")

    with (
        pytest.raises(RuntimeError, match="engine gone"),
        ThreadGroup(cancellation, (channel,)) as group,
    ):
        group.start("reader", lambda: drained.extend(channel))
        group.start("failing", fail)
    assert cancellation.is_set
    assert drained == []


def test_cancelling_is_no_failure() -> None:
    cancellation = Cancellation()

    def work() -> None:
        cancellation.wait()
        raise Cancelled

    with ThreadGroup(cancellation) as group:
        group.start("worker", work)
        cancellation.cancel()


def test_a_failure_in_the_block_itself_joins_the_threads() -> None:
    cancellation = Cancellation()
    ended: list[bool] = []
    with pytest.raises(KeyError), ThreadGroup(cancellation) as group:
        group.start("worker", lambda: ended.append(cancellation.wait()))
        raise KeyError
    assert ended == [True]
