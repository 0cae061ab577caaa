"""The bus of the daemon, handed on to any number of listeners on the rim's event loop."""

from __future__ import annotations

import asyncio
import contextlib
from collections import deque
from collections.abc import AsyncIterator

from edgebot.runtime.live.bus import KINDS, Bus, Event, Level, Subscription


class Listener:
    """Events for one coroutine; the oldest make room when it is slow.

    ``async for event in listener`` ends with :meth:`close`.
    """

    def __init__(self, relay: Relay, kinds: tuple[type, ...], capacity: int) -> None:
        self._relay = relay
        self.kinds = kinds
        self._events: deque[Event] = deque(maxlen=capacity)
        self._waiting: asyncio.Future[None] | None = None
        self._closed = False
        self.dropped = 0

    def put(self, event: Event) -> None:
        """Append ``event`` (on the loop)."""
        if len(self._events) == self._events.maxlen:
            self.dropped += 1
        self._events.append(event)
        self._wake()

    def change(self, *kinds: type) -> None:
        """Hear of ``kinds`` from now on."""
        self.kinds = kinds
        self._relay.mind_levels()

    def close(self) -> None:
        """Hear no more."""
        self._closed = True
        self._relay.forget(self)
        self._wake()

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)

    def __aiter__(self) -> AsyncIterator[Event]:
        return self

    async def __anext__(self) -> Event:
        while not self._events:
            if self._closed:
                raise StopAsyncIteration
            self._waiting = asyncio.get_running_loop().create_future()
            await self._waiting
        return self._events.popleft()


class Relay:
    """One subscription of the bus for all listeners: a publisher pays the same for a thousand."""

    def __init__(self, bus: Bus) -> None:
        self._bus = bus
        self._loop: asyncio.AbstractEventLoop | None = None
        self._subscription: Subscription | None = None
        self._levels: Subscription | None = None
        self._listeners: set[Listener] = set()

    def start(self) -> None:
        """Begin to hand on, on the running loop."""
        self._loop = asyncio.get_running_loop()
        self._subscription = self._bus.subscribe(capacity=1024, wake=self._wake)

    def close(self) -> None:
        """End every listener."""
        for one in (self._subscription, self._levels):
            if one is not None:
                one.close()
        for listener in list(self._listeners):
            listener.close()

    def listen(self, *kinds: type, capacity: int = 256) -> Listener:
        """Hear of ``kinds``; all but levels when none is named."""
        chosen = kinds or tuple(kind for kind in KINDS if kind is not Level)
        listener = Listener(self, chosen, capacity)
        self._listeners.add(listener)
        self.mind_levels()
        return listener

    def forget(self, listener: Listener) -> None:
        """``listener`` hears no more."""
        self._listeners.discard(listener)
        self.mind_levels()

    def mind_levels(self) -> None:
        """Have levels measured as long as anybody wants them."""
        wanted = any(Level in one.kinds for one in self._listeners)
        if wanted and self._levels is None:
            self._levels = self._bus.subscribe(Level, capacity=16, wake=self._wake)
        elif not wanted and self._levels is not None:
            self._levels.close()
            self._levels = None

    def __len__(self) -> int:
        return len(self._listeners)

    def _wake(self) -> None:
        if self._loop is not None and not self._loop.is_closed():
            with contextlib.suppress(RuntimeError):  # it closed in between: nobody listens
                self._loop.call_soon_threadsafe(self._hand_on)

    def _hand_on(self) -> None:
        for source in (self._subscription, self._levels):
            for event in source.take() if source is not None else ():
                for listener in list(self._listeners):
                    if isinstance(event, listener.kinds):
                        listener.put(event)
