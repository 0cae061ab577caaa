"""A bounded queue between two threads whose iteration ends when it is closed."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterator
from typing import Generic, TypeVar

T = TypeVar("T")


class ChannelClosed(Exception):
    """Something was put into a channel nobody reads any more."""


class Channel(Generic[T]):
    """Bounded, closable, iterable; no time-outs and no polling.

    ``put`` blocks while the channel is full and raises :class:`ChannelClosed` once it is closed.
    Iteration yields what was put and ends after :meth:`close` when the rest is drained;
    :meth:`close` with ``discard=True`` drops the rest (a cancelled turn).
    """

    def __init__(self, capacity: int = 8) -> None:
        if capacity < 1:
            raise ValueError("a channel needs room for at least one item")
        self._capacity = capacity
        self._items: deque[T] = deque()
        self._closed = False
        self._changed = threading.Condition()

    def put(self, item: T) -> None:
        """Append ``item``, waiting for room; raise :class:`ChannelClosed` when closed."""
        with self._changed:
            while len(self._items) >= self._capacity and not self._closed:
                self._changed.wait()
            if self._closed:
                raise ChannelClosed
            self._items.append(item)
            self._changed.notify_all()

    def close(self, *, discard: bool = False) -> None:
        """End the channel; safe to call from any side and more than once."""
        with self._changed:
            self._closed = True
            if discard:
                self._items.clear()
            self._changed.notify_all()

    def __iter__(self) -> Iterator[T]:
        while True:
            with self._changed:
                while not self._items and not self._closed:
                    self._changed.wait()
                if not self._items:
                    return
                item = self._items.popleft()
                self._changed.notify_all()
            yield item

    def __len__(self) -> int:
        with self._changed:
            return len(self._items)
