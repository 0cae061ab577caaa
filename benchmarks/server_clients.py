"""Clients of the HTTP door, in a process of their own: ``python -m benchmarks.server_clients``.

``sessions URL COUNT`` ask without pause until standard input ends; ``idle URL COUNT`` keep
WebSockets open; ``faults URL`` do everything wrong. Each writes ``ready`` when all are there, and a
JSON object at its end.
"""

from __future__ import annotations

import asyncio
import json
import random
import socket
import sys
from collections import Counter
from contextlib import suppress
from urllib.parse import urlsplit

import httpx
import websockets

ASKED = ("what is two plus three", "what time is it", "what is seven times eight",
         "how many ounces are in a pound", "what is the date today")  # fmt: skip


async def main(mode: str, url: str, count: int) -> dict[str, object]:
    """Do ``mode`` until standard input ends."""
    ending = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.run_in_executor(None, lambda: (sys.stdin.read(), loop.call_soon_threadsafe(ending.set)))
    if mode == "sessions":
        return await sessions(url, count, ending)
    if mode == "idle":
        return await idle(url, count, ending)
    return await faults(url, ending)


async def sessions(url: str, count: int, ending: asyncio.Event) -> dict[str, object]:
    """``count`` people who type and type."""
    answers: Counter[str] = Counter()
    mixed = 0

    async def person(number: int) -> None:
        nonlocal mixed
        address = f"{url.replace('http', 'ws', 1)}/api/events?session=bench-{number}"
        async with websockets.connect(address, ping_interval=None) as connection:
            while not ending.is_set():
                text = f"what is {number} plus {random.randint(1, 9)}"
                await connection.send(json.dumps({"type": "ask", "text": text}))
                async for said in connection:
                    message = json.loads(said)
                    if message["type"] in ("answer", "error"):
                        answers[message["type"]] += 1
                        mixed += message.get("transcript", text) != text
                        break

    people = [asyncio.create_task(person(number)) for number in range(count)]
    await asyncio.sleep(1)
    print("ready", flush=True)
    await ending.wait()
    await asyncio.wait(people, timeout=30)
    return {**answers, "mixed": mixed}


async def idle(url: str, count: int, ending: asyncio.Event) -> dict[str, object]:
    """``count`` WebSockets that only listen."""
    address = f"{url.replace('http', 'ws', 1)}/api/events"
    opened = []
    for start in range(0, count, 50):
        batch = range(start, min(count, start + 50))
        opened += await asyncio.gather(
            *(websockets.connect(address, compression=None, ping_interval=None) for _ in batch)
        )
    for one in opened:
        await one.recv()
    print("ready", flush=True)
    await ending.wait()
    await asyncio.gather(*(one.close() for one in opened), return_exceptions=True)
    return {"open": len(opened)}


async def faults(url: str, ending: asyncio.Event) -> dict[str, object]:
    """Questions among everything that can go wrong on a connection."""
    codes: Counter[str] = Counter()
    place = urlsplit(url)
    async with httpx.AsyncClient(base_url=url, timeout=60) as http:

        async def right() -> None:
            session = f"bench-{random.randint(0, 300)}"
            body = {"text": random.choice(ASKED), "session": session}
            codes[str((await http.post("/api/ask", json=body)).status_code)] += 1

        async def wrong() -> None:
            path = random.choice(("/api/ask", "/api/turn", "/api/timers", "/v1/embeddings"))
            kind = random.choice(("application/json", "audio/wav", "text/plain"))
            content = random.randbytes(random.choice((0, 10, 10_000)))
            answer = await http.post(path, content=content, headers={"Content-Type": kind})
            codes[str(answer.status_code)] += 1

        async def broken_off() -> None:
            with suppress(OSError):
                reader, writer = await asyncio.open_connection(place.hostname, place.port)
                head = (
                    f"POST /api/ask HTTP/1.1\r\nHost: {place.netloc}\r\nContent-Length: 99\r\n\r\n"
                )
                writer.write(head.encode() + b"{")
                await writer.drain()
                sock = writer.get_extra_info("socket")
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                writer.close()
                del reader

        async def given_up() -> None:
            with suppress(httpx.TimeoutException):
                await http.post("/api/ask", json={"text": "what is one plus one"}, timeout=0.01)

        async def garbled() -> None:
            address = f"{url.replace('http', 'ws', 1)}/api/events?session=bad"
            with suppress(websockets.WebSocketException, OSError, TimeoutError):
                async with websockets.connect(address, ping_interval=None) as connection:
                    for message in ("{", random.randbytes(300), '{"type": "ask", "text": "stop"}'):
                        await connection.send(message)
                    await asyncio.wait_for(connection.recv(), 5)

        async def document() -> None:
            kind = {"Content-Type": "text/plain"}
            name = {"name": f"bench-{random.randint(0, 3)}.txt"}
            made = await http.post(
                "/api/documents", params=name, content=b"A note about nothing.", headers=kind
            )
            codes[str(made.status_code)] += 1
            if made.status_code == 201:
                await http.delete(f"/api/documents/{made.json()['id']}")

        kinds = (right, right, right, wrong, broken_off, given_up, garbled)

        async def worker() -> None:
            while not ending.is_set():
                kind = document if random.random() < 0.01 else random.choice(kinds)
                with suppress(httpx.HTTPError):
                    await kind()

        workers = [asyncio.create_task(worker()) for _ in range(8)]
        print("ready", flush=True)
        await ending.wait()
        await asyncio.wait(workers, timeout=60)
    return dict(sorted(codes.items()))


if __name__ == "__main__":
    counted = int(sys.argv[3]) if len(sys.argv) > 3 else 0
    print(json.dumps(asyncio.run(main(sys.argv[1], sys.argv[2], counted))), flush=True)
