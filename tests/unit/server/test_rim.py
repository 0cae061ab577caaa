"""The rim and the places: a door that fails, and the voice that comes first."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

from edgebot.core.audio import DeviceTrouble
from edgebot.core.cancel import Cancellation
from edgebot.core.errors import Cancelled, ConfigError
from edgebot.core.language import Generation, Message
from edgebot.core.turn import Turn
from edgebot.runtime.live import bus as events
from edgebot.runtime.live.bus import Bus
from edgebot.runtime.live.telling import Teller
from edgebot.server import rim as rims
from edgebot.server.completion import complete
from edgebot.server.house import Busy, House
from edgebot.server.places import Places
from edgebot.server.rim import Rim

PATIENCE_S = 60.0


def wait_for(condition: Callable[[], Any]) -> None:
    end = time.monotonic() + PATIENCE_S
    while not condition():
        assert time.monotonic() < end, "it did not happen"
        time.sleep(0.005)


# --- the bus


def test_who_does_not_take_loses_the_oldest() -> None:
    bus = Bus()
    slow = bus.subscribe(events.PartialText, capacity=3)
    for number in range(5):
        bus.publish(events.PartialText("s", str(number)))
        bus.publish(events.BargedIn("s"))
    assert [one.text for one in slow.take()] == ["2", "3", "4"]  # type: ignore[union-attr]
    assert slow.dropped == 2
    slow.close()
    bus.publish(events.PartialText("s", "x"))
    assert not slow.take() and len(bus) == 0


def test_a_thread_hears_until_it_is_closed() -> None:
    bus = Bus()
    heard = bus.subscribe()
    got: list[Any] = []
    thread = threading.Thread(target=lambda: got.extend(heard))
    thread.start()
    bus.publish(events.Level(-3.0))
    bus.publish(events.BargedIn("s"))
    wait_for(lambda: got)
    heard.close()
    thread.join(PATIENCE_S)
    assert got == [events.BargedIn("s")]


def test_the_teller_knows_the_state() -> None:
    bus = Bus()
    heard = bus.subscribe(events.StateChanged, events.Trouble)
    teller = Teller(bus)
    hooks = teller.hooks()
    turn = Turn("local")
    assert not teller.busy
    hooks.state("listening")
    assert teller.busy and not teller.wait_quiet(0)
    hooks.state("thinking")
    hooks.speaking(turn, True)
    assert not teller.busy
    hooks.speaking(Turn("x"), False)
    hooks.state("asleep")
    hooks.speaking(turn, False)
    hooks.trouble(DeviceTrouble("microphone", "gone"))
    told = [getattr(one, "state", "trouble") for one in heard.take()]
    assert told == ["listening", "thinking", "speaking", "asleep", "trouble"]


# --- the places


def test_too_many_turns_are_told_so_and_a_turn_nobody_waits_for_is_cancelled() -> None:
    async def run() -> None:
        places = Places(1, 1)
        gate = threading.Event()
        first = asyncio.ensure_future(places.turn(lambda: gate.wait(PATIENCE_S), Cancellation()))
        waiting = Cancellation()
        second = asyncio.ensure_future(places.turn(lambda: None, waiting))
        await asyncio.sleep(0)
        with pytest.raises(Busy):
            await places.turn(lambda: None, Cancellation())
        second.cancel()
        with pytest.raises(asyncio.CancelledError):
            await second
        assert waiting.is_set
        gate.set()
        assert await first
        await places.turn(lambda: None, Cancellation())
        places.close()
        with pytest.raises(Busy):
            await places.turn(lambda: None, Cancellation())

    asyncio.run(run())


def test_a_turn_waits_for_the_voice() -> None:
    teller = Teller(Bus())
    hooks = teller.hooks()
    hooks.state("listening")
    places = Places(2, 10, teller)
    done: list[str] = []

    async def run() -> None:
        turn = asyncio.ensure_future(places.turn(lambda: done.append("text"), Cancellation()))
        await asyncio.sleep(0)
        done.append("voice")
        hooks.state("asleep")
        await turn

    asyncio.run(run())
    places.close()
    assert done == ["voice", "text"]


def test_what_yields_is_cancelled_when_the_voice_begins() -> None:
    teller = Teller(Bus())
    hooks = teller.hooks()
    places = Places(1, 1, teller)
    inside, outside = Turn("a"), Turn("b")
    with places.yielding(outside):
        pass
    with places.yielding(inside):
        hooks.state("listening")
        assert inside.cancellation.is_set
    assert not outside.cancellation.is_set
    late = Turn("c")
    with places.yielding(late):
        assert late.cancellation.is_set
    places.close()


def test_a_reply_of_the_model_makes_way_and_is_taken_up_again(board: Any) -> None:
    teller = Teller(Bus())
    hooks = teller.hooks()
    house = House(board.assembly, teller._bus, teller=teller)
    writer = board.assembly.language_model()
    writer.asked.clear()
    stopped = threading.Event()

    def hold(number: int) -> None:
        if number == 1 and not stopped.is_set():
            hooks.state("listening")
            stopped.set()

    writer.hold = hold

    async def run() -> Any:
        made = asyncio.ensure_future(
            complete(house, [Message("user", "count")], Generation(max_tokens=10))
        )
        while not stopped.is_set():
            await asyncio.sleep(0.005)
        hooks.state("asleep")
        return await made

    made = asyncio.run(run())
    writer.hold = lambda number: None
    house.close()
    assert made.text == "One two three." and made.finish == "stop"
    assert [one.role for one in writer.asked[-1]] == ["user", "assistant"]
    assert writer.asked[-1][-1].content == "One "


def test_many_sessions_at_once_do_not_mix(board: Any) -> None:
    def one(number: int) -> str:
        with board.client() as client:
            for _ in range(2):
                asked = client.post(
                    "/api/ask", json={"text": f"what is {number} plus 100", "session": f"s{number}"}
                )
                assert asked.status_code == 200, asked.text
            return str(asked.json()["transcript"])

    with ThreadPoolExecutor(20) as pool:
        assert list(pool.map(one, range(20))) == [f"what is {n} plus 100" for n in range(20)]
    assert board.house.places.inside == 0


# --- the rim


class Door:
    def __init__(self, name: str, work: Callable[[House, asyncio.Event], Any]) -> None:
        self.name = name
        self._work = work
        self.began = 0

    async def serve(self, house: House, stop: asyncio.Event) -> None:
        self.began += 1
        await self._work(house, stop)


def test_a_door_that_fails_is_opened_again_and_the_others_stay(
    board: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(rims, "_FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr(rims, "_LONGEST_PAUSE_S", 0.02)

    async def fail(house: House, stop: asyncio.Event) -> None:
        raise OSError("the port is taken")

    async def refuse(house: House, stop: asyncio.Event) -> None:
        raise ConfigError("never")

    async def stay(house: House, stop: asyncio.Event) -> None:
        await stop.wait()

    async def stuck(house: House, stop: asyncio.Event) -> None:
        await asyncio.Event().wait()

    monkeypatch.setattr(rims, "_LAST_WORDS_S", 0.1)
    doors = [
        Door("failing", fail),
        Door("refused", refuse),
        Door("good", stay),
        Door("stuck", stuck),
    ]
    rim = Rim(House(board.assembly, Bus()), doors)
    with rim:
        wait_for(lambda: doors[0].began > 3)
        assert doors[1].began == doors[2].began == 1
    assert rim.failures["failing"] >= 3 and rim.failures["refused"] == 1
    assert "failing failed (the port is taken)" in caplog.text
    assert rim._thread is None


def test_a_taken_port_is_told_with_the_next_step(open_board: Any, tmp_path: Path) -> None:
    from edgebot.config.loader import load_settings
    from edgebot.server.http.service import HttpService, NotListening

    first = open_board()
    environ = {
        "EDGEBOT_STATE_DIR": str(tmp_path),
        "EDGEBOT_SERVER__PORT": str(first.service.address[1]),
    }
    service = HttpService(load_settings(None, environ))
    with pytest.raises(NotListening, match=r"server\.port"):
        asyncio.run(service.serve(first.house, asyncio.Event()))


def test_the_end_of_the_rim_cancels_turns(board: Any) -> None:
    house = House(board.assembly, Bus())
    started = threading.Event()
    results: list[BaseException | None] = []

    async def hold(inner: House, stop: asyncio.Event) -> None:
        cancellation = Cancellation()

        def work() -> None:
            started.set()
            cancellation.wait(PATIENCE_S)
            cancellation.raise_if_set()

        try:
            await inner.places.turn(work, cancellation)
        except Cancelled as ended:
            results.append(ended)

    with Rim(house, [Door("busy", hold)]):
        assert started.wait(PATIENCE_S)
    assert results
