"""Whether a release works: it is asked a question aloud and has to answer it rightly."""

from __future__ import annotations

import base64
import importlib.resources
import json
import os
import pwd
import re
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .data import copy_live
from .durable import remove
from .layout import Layout
from .refusal import Interrupted
from .service import Service
from .supervisor import environment

USER = "edgebot"
LIMIT_S = 600.0
"""The first start of a slow board reads all its documents."""

ENOUGH_MB = 700
"""Free memory with which the new release is tried while the old one still runs."""

_PAUSE_S = 0.25
_ANSWER_S = 60.0

MIGRATIONS = (("promises", "--json"), ("kb", "stats", "--json"))
"""Calls that open every database, which brings it up to date."""


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked: a WAV (16 kHz, 16 bit, mono) and what its answer must hold."""

    wav: bytes
    expected: str
    """Regular expression."""

    def accepts(self, reply: str) -> bool:
        """Whether ``reply`` is right."""
        return re.search(self.expected, reply, re.IGNORECASE) is not None


def usual() -> Question:
    """ "How many ounces are in a kilo?" needs ears, understanding and arithmetic, no knowledge."""
    wav = importlib.resources.files(__package__).joinpath("question.wav").read_bytes()
    return Question(wav, r"\b35\b|thirty[- ]five")


def self_test(layout: Layout, release: str, question: Question, limit_s: float = LIMIT_S) -> None:
    """Run ``release`` on a copy of the data, as the service would; raises :class:`Interrupted`."""
    scratch = layout.kept / "trial"
    copy_live(layout.data, scratch / "state")
    try:
        (scratch / "question.wav").write_bytes(question.wav)
        _own(layout, scratch)
        words = ["turn", scratch / "question.wav", "--out", scratch / "reply.wav", "--json"]
        output = _call(layout, release, [str(word) for word in words], scratch / "state", limit_s)
        try:
            reply = str(json.loads(output.splitlines()[-1])["reply"])
        except (ValueError, KeyError, IndexError):
            raise Interrupted(f"the self-test says nothing sensible: {output[-200:]!r}") from None
        if not question.accepts(reply):
            raise Interrupted(f"the self-test's question was answered {reply!r}, which is wrong")
    finally:
        remove(scratch)


def migrate(layout: Layout, release: str, data: Path, limit_s: float = LIMIT_S) -> None:
    """Bring the databases in ``data`` up to date with the code of ``release``."""
    _own(layout, data)
    for words in MIGRATIONS:
        _call(layout, release, list(words), data, limit_s)


def _call(layout: Layout, release: str, words: list[str], data: Path, limit_s: float) -> str:
    environ = environment(layout) | {"EDGEBOT_STATE_DIR": str(data), "RUNTIME_DIRECTORY": str(data)}
    program = layout.release(release) / "bin/edgebot"
    try:
        done = subprocess.run(
            [str(program), *words], env=environ, cwd="/", stdin=subprocess.DEVNULL,
            capture_output=True, text=True, errors="replace", timeout=limit_s, check=False,
            **_as_user(layout),
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise Interrupted(f"`edgebot {words[0]}` did not end within {limit_s:.0f} s") from None
    except OSError as problem:
        raise Interrupted(f"the new release cannot be run ({problem})") from None
    if done.returncode:
        said = " / ".join(done.stderr.strip().splitlines()[-2:])[-300:]
        raise Interrupted(f"`edgebot {words[0]}` ended with {done.returncode}: {said}")
    return str(done.stdout)


def prove(
    layout: Layout,
    service: Service,
    release: str,
    question: Question,
    limit_s: float = LIMIT_S,
    clock: Callable[[], float] = time.monotonic,
) -> str:
    """Ask the running service; its right answer. Raises :class:`Interrupted` with the reason."""
    until = clock() + limit_s
    why = "it does not come up"
    while clock() < until:
        if trouble := service.trouble():
            raise Interrupted(trouble)
        try:
            answer, answering = _ask(layout, question)
        except (OSError, ValueError) as problem:
            why = f"it does not answer ({problem})"
            time.sleep(_PAUSE_S)
            continue
        if answering != release:
            raise Interrupted(f"release {answering} answered instead of {release}")
        reply = str(answer.get("reply", answer.get("error", "")))
        if answer.get("ok") and question.accepts(reply):
            return reply
        raise Interrupted(f"the health question was answered {reply!r}, which is wrong")
    raise Interrupted(f"no right answer within {limit_s:.0f} s: {why}")


def _ask(layout: Layout, question: Question) -> tuple[dict[str, Any], str]:
    """The answer and the release that gave it."""
    order = {"do": "turn", "wav": base64.b64encode(question.wav).decode()}
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(_ANSWER_S)
        folder, name = _socket(layout)
        try:  # the name of a socket is short: go by the folder
            connection.connect(f"/proc/self/fd/{folder}/{name}")
        finally:
            os.close(folder)
        connection.sendall(json.dumps(order).encode() + b"\n")
        with connection.makefile("rb") as answers:
            answer = json.loads(answers.readline(1 << 20) or b"null")
        if not isinstance(answer, dict):
            raise ValueError("it hung up")
        return answer, _release_of(connection)


def _socket(layout: Layout) -> tuple[int, str]:
    places = [layout.runtime, layout.data]
    found = [path for folder in places for path in folder.glob("control*.sock")]
    if not found:
        raise FileNotFoundError("it has not opened its control socket")
    newest = max(found, key=lambda path: path.stat().st_mtime)
    return os.open(newest.parent, os.O_PATH | os.O_DIRECTORY), newest.name


def _release_of(connection: socket.socket) -> str:
    """From the environment of the process at the other end, which the launcher has set."""
    raw = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    number = struct.unpack("3i", raw)[0]
    environ = Path(f"/proc/{number}/environ").read_bytes().split(b"\0")
    for variable in environ:
        name, _, value = variable.partition(b"=")
        if name == b"PYTHONPATH":
            found = re.search(r"/releases/([0-9a-f]+)/", value.decode(errors="replace") + "/")
            return found[1] if found else "?"
    return "?"


def compile_code(layout: Layout, release: str) -> None:
    """Compile a release that came without ``.pyc`` files: later starts are quicker.

    It takes minutes on a slow board, so it comes last, and nothing hangs on it.
    """
    site = layout.release(release) / "site"
    words = [sys.executable, "-m", "compileall", "-q", "-j", "1", str(site)]
    subprocess.run(words, check=False, capture_output=True, preexec_fn=lambda: os.nice(15))


def roomy() -> bool:
    """Whether both releases fit into memory at the same time."""
    found = re.search(r"MemAvailable:\s+(\d+) kB", Path("/proc/meminfo").read_text())
    return found is None or int(found[1]) >= ENOUGH_MB * 1024


def _as_user(layout: Layout) -> dict[str, Any]:
    if not layout.whole_machine or os.geteuid() != 0:
        return {}
    try:
        user = pwd.getpwnam(USER)
    except KeyError:
        return {}
    return {"user": user.pw_uid, "group": user.pw_gid, "extra_groups": []}


def _own(layout: Layout, folder: Path) -> None:
    if found := _as_user(layout):
        for path in (folder, *folder.rglob("*")):
            os.chown(path, found["user"], found["group"])
        layout.kept.chmod(0o711)  # so that the user gets through
