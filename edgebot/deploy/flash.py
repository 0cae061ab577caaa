"""Putting a bundle onto a board over ssh: ask, offer, send what is missing, watch it being proved.

The other end is the program in ``edgebot/deploy/board``, which is sent first.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import json
import os
import subprocess
import time
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from edgebot.core.errors import FlashError
from edgebot.deploy.board import packing
from edgebot.deploy.bundle_file import BundleReader
from edgebot.deploy.flash_probe import Probe, probe
from edgebot.deploy.ssh import LOST, ConnectionLost, Ssh
from edgebot.models.digest import CHUNK

TRIES = 6
"""A transfer that breaks off is gone on with so often."""

WATCH_S = 3600.0


@dataclass(slots=True)
class Told:
    """Where a flash tells how it goes."""

    say: Callable[[str], None] = lambda message: None
    begin: Callable[[str, int | None], None] = lambda label, total: None
    advance: Callable[[int], None] = lambda done: None


@dataclass(frozen=True, slots=True)
class Wish:
    """What goes with a bundle."""

    first_key: bytes | None = None
    """Public file that a board without any trust is given."""

    trust: Sequence[bytes] = ()
    allow_older: bool = False
    again: bool = False
    """Install although it is in force already."""

    limit_s: float = 600.0
    """For the new release to answer the health question."""

    question: Mapping[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class Figures:
    """What a flash cost."""

    objects_sent: int = 0
    bytes_sent: int = 0
    send_s: float = 0.0
    total_s: float = 0.0


class Board:
    """A board at the other end of ssh."""

    def __init__(self, ssh: Ssh, told: Told, root: str = "/") -> None:
        """Ask what it is; raises :class:`FlashError`."""
        self.ssh = ssh
        self.told = told
        self.root = root
        self.facts: Probe = probe(ssh, root, time.time())
        self.home = f"{root.rstrip('/')}/opt/edgebot"
        self.figures = Figures()

    def call(self, *words: str, stdin: bytes = b"", program: str = "") -> dict[str, Any]:
        """One command of the board's program; raises :class:`FlashError` when it refuses."""
        said = self.ssh.run(self._words(*words, program=program), stdin)
        answer = _last_line(said.out)
        if answer is None:
            raise FlashError(f"the board's program failed ({(said.err or said.out)[-300:]})")
        if answer.get("ok") is False:
            raise FlashError(str(answer["message"]))
        return answer

    def send_program(self, to: str = "") -> None:
        """Put the program onto the board, unless the same one is there."""
        packed = packing.pack(packing.own_files())
        target = to or f"{self.home}/board.pyz"
        if not to and hashlib.sha256(packed).hexdigest() == self.facts.program:
            return
        line = (
            f"umask 022; mkdir -p {self.home if not to else '/tmp'} && cat > {target}.new && "
            f"chmod 755 {target}.new && sync && mv {target}.new {target}"
        )
        said = self.ssh.run([*self._sudo(), "sh", "-c", line], packed)
        if said.code:
            raise FlashError(
                f"the board cannot be written to ({said.err[-200:]}); look at its disk"
            )
        self.figures.bytes_sent += len(packed)

    def install(self, bundle: BundleReader, wish: Wish) -> dict[str, Any]:
        """Flash ``bundle``; the state the board ended in. Raises :class:`FlashError`."""
        began = time.monotonic()
        self.send_program()
        offered = self._transfer(bundle, wish)
        release = str(offered["release"])
        if offered["in_force"] and not wish.again:
            message = f"release {release} is in force already"
            return {"outcome": "ok", "release": release, "message": message}
        options = ["--detach", "--limit-s", str(wish.limit_s)]
        options += ["--allow-older"] if wish.allow_older else []
        self.call("install", release, *options)
        state = self.watch()
        self.figures.total_s = round(time.monotonic() - began, 2)
        return ended(state)

    def rollback(self, release: str, limit_s: float) -> dict[str, Any]:
        """Go back to ``release``, or to the one before."""
        self.send_program()
        words = [release] if release else []
        self.call("rollback", *words, "--detach", "--limit-s", str(limit_s))
        return ended(self.watch())

    def look(self, bundle: BundleReader, wish: Wish) -> dict[str, Any]:
        """What :meth:`install` would do; nothing stays on the board."""
        program = f"/tmp/edgebot-board-{bundle.manifest.release}.pyz"
        self.send_program(program)
        try:
            return self._offer(bundle, wish, program=program, dry_run=True)
        finally:
            self.ssh.run([*self._sudo(), "rm", "-f", program])

    def _offer(
        self, bundle: BundleReader, wish: Wish, program: str = "", dry_run: bool = False
    ) -> dict[str, Any]:
        head = {
            "manifest": _base64(zlib.compress(bundle.manifest_bytes)),
            "signature": _base64(bundle.signature),
            "trust": [_base64(key) for key in wish.trust],
            "first_key": None if wish.first_key is None else _base64(wish.first_key),
            "allow_older": wish.allow_older,
            "dry_run": dry_run,
            "question": dict(wish.question),
        }
        line = json.dumps(head).encode() + b"\n"
        self.figures.bytes_sent += len(line)
        return self.call("offer", stdin=line, program=program)

    def _transfer(self, bundle: BundleReader, wish: Wish) -> dict[str, Any]:
        """Send what is missing, going on after each broken connection."""
        for left in range(TRIES, 0, -1):
            try:
                offered = self._offer(bundle, wish)
                if offered["missing"]:
                    self._send(bundle, offered["release"], offered["missing"])
                return offered
            except ConnectionLost as problem:
                if left == 1:
                    raise
                self.told.say(f"{problem}; going on")
                time.sleep(TRIES - left + 1)
        raise AssertionError("unreachable")

    def _send(self, bundle: BundleReader, release: str, missing: Mapping[str, int]) -> None:
        objects = bundle.manifest.objects()
        sizes = {sha256: _stored_bytes(bundle, sha256) for sha256 in missing}
        total = sum(sizes[sha256] - have for sha256, have in missing.items())
        self.told.begin(f"sending {len(missing)} of {len(objects)} files", total)
        began, sent = time.monotonic(), 0
        process = self.ssh.open(self._words("receive", release))
        assert process.stdin is not None
        broken = False
        try:
            # The smallest first: thousands of files are whole before a broken line stops a model.
            for sha256 in sorted(missing, key=lambda name: (sizes[name], name)):
                have = missing[sha256] if missing[sha256] <= sizes[sha256] else 0
                head = {"sha256": sha256, "offset": have, "length": sizes[sha256] - have}
                process.stdin.write(json.dumps(head).encode() + b"\n")
                with bundle.stored(sha256) as file:
                    file.seek(have)
                    while block := file.read(CHUNK):
                        process.stdin.write(block)
                        sent += len(block)
                        self.told.advance(sent)
            process.stdin.flush()
        except BrokenPipeError:
            broken = True
        out, err = _finish(process)
        self.figures.objects_sent += len(missing)
        self.figures.bytes_sent += sent
        self.figures.send_s += round(time.monotonic() - began, 2)
        answer = _last_line(out)
        if answer is not None and answer.get("ok") is False and answer.get("kind") != "transfer":
            raise FlashError(str(answer["message"]))
        if process.returncode == LOST or broken or answer is None or not answer.get("ok"):
            raise self.ssh.trouble(err or "it broke off while files were being sent")

    def watch(self) -> dict[str, Any]:
        """Follow an update to its end, over as many connections as it takes."""
        until, told = time.monotonic() + WATCH_S, ""
        state: dict[str, Any] = {}
        while time.monotonic() < until:
            process = self.ssh.open(self._words("watch"))
            assert process.stdout is not None
            for line in process.stdout:
                state = _last_line(line.decode(errors="replace")) or state
                if state.get("step") != told:
                    told = str(state.get("step"))
                    self.told.say(f"  {told}")
            _finish(process)
            if state.get("outcome", "running") != "running":
                return state
            time.sleep(1.0)
        raise FlashError(
            f"the board still works on it; look later: `edgebot flash {self.ssh.host} --status`"
        )

    def _words(self, *words: str, program: str = "") -> list[str]:
        program = program or f"{self.home}/board.pyz"
        return [*self._sudo(), "python3", "-I", program, "--root", self.root, *words]

    def _sudo(self) -> list[str]:
        return [] if self.facts.root else ["sudo", "-n"]


def ended(state: dict[str, Any]) -> dict[str, Any]:
    """``state`` if all went well; raises :class:`FlashError` with the board's own sentence."""
    if state.get("outcome") != "ok":
        raise FlashError(str(state.get("message") or f"the board ended as {state.get('outcome')}"))
    return state


def _stored_bytes(bundle: BundleReader, sha256: str) -> int:
    with bundle.stored(sha256) as file:
        return file.seek(0, os.SEEK_END)


def _finish(process: subprocess.Popen[bytes]) -> tuple[str, str]:
    if process.stdin is not None:
        with contextlib.suppress(BrokenPipeError):
            process.stdin.close()
        process.stdin = None
    out, err = process.communicate()
    return out.decode(errors="replace"), err.decode(errors="replace").strip()


def _last_line(text: str) -> dict[str, Any] | None:
    for line in reversed(text.strip().splitlines()):
        try:
            found = json.loads(line)
        except ValueError:
            continue
        if isinstance(found, dict):
            return found
    return None


def _base64(content: bytes) -> str:
    return base64.b64encode(content).decode()
