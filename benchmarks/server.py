"""The HTTP door: what it adds to a turn, whom it starves, what it weighs, what a bad day leaves."""

from __future__ import annotations

import gc
import json
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
import websockets.sync.client

from benchmarks.common import say, summary, table
from edgebot.audio.acoustics import Acoustics
from edgebot.audio.room import Room
from edgebot.config.loader import load_settings
from edgebot.core.speech import Transcript
from edgebot.core.turn import Turn
from edgebot.runtime.live.bus import Bus
from edgebot.runtime.live.measuring import say as spoken
from edgebot.runtime.live.rehearsal import Rehearsal
from edgebot.runtime.live.telling import Teller
from edgebot.runtime.turns import respond
from edgebot.runtime.wiring import Assembly
from edgebot.server.house import House
from edgebot.server.http.service import HttpService
from edgebot.server.rim import Rim

QUESTION = "what is two plus three"
VOICE = ("what is seven times eight", "what time is it", "toss a coin", "what day is tomorrow")
SESSIONS = 50
SOCKETS = 1000


class Board:
    """The assistant in a room that follows the wall clock, with its door open."""

    def __init__(self, state: Path) -> None:
        environ = {
            "EDGEBOT_STATE_DIR": str(state),
            "EDGEBOT_LLM__MODEL": "smollm2-135m-instruct-q4_1",
            "EDGEBOT_WAKE__ENABLED": "false",
            "EDGEBOT_KNOWLEDGE__SHIPPED": "false",
            "EDGEBOT_SERVER__PORT": "0",
            "EDGEBOT_SERVER__REQUESTS_A_MINUTE": "100000",
        }
        self.assembly = Assembly(load_settings(environ=environ))
        bus = Bus()
        teller = Teller(bus)
        room = Room(Acoustics(echo_db=None), speed=1.0)
        self.rehearsal = Rehearsal(self.assembly, room, hooks=teller.hooks())
        self.house = House(self.assembly, bus, self.rehearsal.daemon, teller)
        self.service = HttpService(self.assembly.settings)
        self.rim = Rim(self.house, [self.service])

    @property
    def url(self) -> str:
        while self.service.address is None:
            time.sleep(0.01)
        return self.service.url.rstrip("/")


@contextmanager
def board() -> Iterator[Board]:
    with tempfile.TemporaryDirectory() as state:
        made = Board(Path(state))
        with made.assembly, made.rehearsal, made.rim:
            yield made


@contextmanager
def clients(mode: str, url: str, count: int = 0) -> Iterator[dict[str, Any]]:
    """Clients in a process of their own; what they came to is in the mapping afterwards."""
    came_to: dict[str, Any] = {}
    command = [sys.executable, "-m", "benchmarks.server_clients", mode, url, str(count)]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None and process.stdin is not None
    assert process.stdout.readline().strip() == "ready"
    try:
        yield came_to
    finally:
        process.stdin.close()
        came_to.update(json.loads(process.stdout.readline() or "{}"))
        process.wait(60)


def run(quick: bool) -> dict[str, Any]:
    """All four."""
    with board() as made:
        figures: dict[str, Any] = {"added": added(made, 40 if quick else 400)}
        say(f"added: {figures['added']}")
        figures["voice"] = voice(made, 4 if quick else 24)
        say(f"voice: {figures['voice']}")
        figures["idle"] = idle(made, 200 if quick else SOCKETS)
        say(f"idle: {figures['idle']}")
        figures["faults"] = faults(made, 20 if quick else 600)
        say(f"faults: {figures['faults']}")
    return figures


def added(made: Board, runs: int) -> dict[str, Any]:
    """The same question in this process, over HTTP and over a WebSocket, one after the other."""
    dialogue = made.assembly.dialogue()
    times: dict[str, list[float]] = {"in_process": [], "http": [], "websocket": []}
    address = made.url.replace("http", "ws", 1) + "/api/events?session=bench"
    with httpx.Client(base_url=made.url, timeout=60) as http, \
            websockets.sync.client.connect(address) as socket:  # fmt: skip

        def in_process() -> None:
            respond(Turn("bench-in"), dialogue, Transcript(QUESTION, engine="text"))

        def over_http() -> None:
            body = {"text": QUESTION, "session": "bench-http"}
            http.post("/api/ask", json=body).raise_for_status()

        def over_websocket() -> None:
            socket.send(json.dumps({"type": "ask", "text": QUESTION}))
            while json.loads(socket.recv(timeout=60))["type"] != "answer":
                pass

        ways = {"in_process": in_process, "http": over_http, "websocket": over_websocket}
        for number in range(runs + 5):
            for name, ask in ways.items():
                began = time.perf_counter()
                ask()
                if number >= 5:
                    times[name].append((time.perf_counter() - began) * 1000.0)
    figures: dict[str, Any] = {name: summary(values, 2) for name, values in times.items()}
    for name in ("http", "websocket"):
        difference = [a - b for a, b in zip(times[name], times["in_process"], strict=True)]
        figures[f"{name}_added"] = summary(difference, 2)
    return figures


def voice(made: Board, blocks: int) -> dict[str, Any]:
    """Spoken turns with nobody else, and among fifty who type without pause, by turns."""
    sound = [spoken(made.assembly.tts(), text) for text in VOICE]
    rows: dict[str, list[float]] = {"alone": [], "among_50": []}
    answered: dict[str, int] = {}
    for number in range(blocks):
        rows["alone"] += [_turn(made, sound[(number + at) % 4]) for at in range(2)]
        with clients("sessions", made.url, SESSIONS) as came_to:
            rows["among_50"] += [_turn(made, sound[(number + at) % 4]) for at in range(2)]
        for name, count in came_to.items():
            answered[name] = answered.get(name, 0) + int(count)
    figures: dict[str, Any] = {name: summary(values, 0) for name, values in rows.items()}
    growth = figures["among_50"]["p95"] / figures["alone"]["p95"] - 1.0
    return {**figures, "p95_grows_percent": round(100 * growth, 1), "typed": answered}


def _turn(made: Board, samples: Any) -> float:
    """End of speech to first audio of one spoken turn, milliseconds."""
    ledger = made.rehearsal.daemon.parts.ledger
    before = ledger.last()[-1:]
    made.rehearsal.ask(samples)
    made.rehearsal.wait_for(lambda: ledger.last()[-1:] != before)
    return float(ledger.last()[-1]["ms"]["first_audio"])


def idle(made: Board, count: int) -> dict[str, Any]:
    """Memory that open WebSockets take."""
    process = psutil.Process()
    with clients("idle", made.url, 10):
        pass
    gc.collect()
    before = process.memory_info().rss
    with clients("idle", made.url, count):
        gc.collect()
        grown = process.memory_info().rss - before
    return {"sockets": count, "mb": round(grown / 1e6, 1)}


def faults(made: Board, seconds: float) -> dict[str, Any]:
    """A load with everything wrong in it; the process before and after."""
    process = psutil.Process()

    def size() -> dict[str, float]:
        gc.collect()
        return {
            "mb": round(process.memory_info().rss / 1e6, 1),
            "threads": threading.active_count(),
            "descriptors": process.num_fds(),
        }

    with clients("faults", made.url):
        time.sleep(max(5.0, seconds / 10))
    before = _settled(size)
    with clients("faults", made.url) as came_to:
        time.sleep(seconds)
    after = _settled(size)
    with httpx.Client(base_url=made.url, timeout=60) as http:
        health = http.get("/healthz").json()
    return {"seconds": seconds, "before": before, "after": after, "codes": came_to, **health}


def _settled(size: Any) -> Any:
    """Once connections that were broken off are gone."""
    time.sleep(3)
    return size()


def report(figures: dict[str, Any]) -> str:
    """The figures as Markdown."""
    new, talk, sockets, bad = (figures[name] for name in ("added", "voice", "idle", "faults"))
    names = ("in_process", "http", "websocket", "http_added", "websocket_added")
    rows = [(name.replace("_", " "), new[name]["median"], new[name]["p95"]) for name in names]
    text = table(["one typed turn, ms", "p50", "p95"], rows)
    alone, among = talk["alone"], talk["among_50"]
    rows = [
        ("nobody else", f"{alone['median']:.0f}", f"{alone['p95']:.0f}", alone["n"]),
        ("50 who type", f"{among['median']:.0f}", f"{among['p95']:.0f}", among["n"]),
    ]
    text += "\n\n" + table(["a spoken turn, ms to first audio", "p50", "p95", "turns"], rows)
    codes = ", ".join(f"{code}: {count}" for code, count in bad["codes"].items())
    before, after = bad["before"], bad["after"]
    return (
        f"{text}\n\nThe voice's p95 grows by {talk['p95_grows_percent']} % while 50 sessions type "
        f"without pause ({talk['typed'].get('answer', 0)} answers, "
        f"{talk['typed'].get('mixed', 0)} mixed up). {sockets['sockets']} idle WebSockets take "
        f"{sockets['mb']} MB. {bad['seconds']:.0f} s of questions among broken requests (by "
        f"status: {codes}): {before['mb']} MB, {before['threads']} threads, "
        f"{before['descriptors']} descriptors before, {after['mb']} MB, {after['threads']}, "
        f"{after['descriptors']} after."
    )
