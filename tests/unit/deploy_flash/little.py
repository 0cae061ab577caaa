"""A board in a folder and releases of one script, for everything that need not hear.

The program on it is the real one, packed as it is sent; the assistant is a script that speaks the
control socket's protocol. The real assistant is flashed in ``tests/e2e/test_flash.py``.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from edgebot.deploy.board import checks, offer, packing, program, store
from edgebot.deploy.board.health import Question, _ask
from edgebot.deploy.board.layout import Layout, read_json
from edgebot.deploy.board.manifest import Manifest
from edgebot.deploy.board.refusal import Refused
from edgebot.deploy.bundle_format import Entry
from edgebot.deploy.bundle_format import Manifest as Made
from edgebot.models.signatures import SigningKey, make_pair

PATIENCE_S = 60.0
CREATED = 1_780_000_000

LAUNCHER = """\
#!/bin/sh
here=$(dirname "$(readlink -f "$0")")/..
export PYTHONPATH="$here/site"
exec "{python}" -S -E "$here/site/assistant.py" "$@"
"""

ASSISTANT = """\
import glob, json, os, socket, sys

REPLY = {reply!r}
SCHEMA = {schema}
state = os.environ["EDGEBOT_STATE_DIR"]
verb = sys.argv[1]


def migrate():
    path = os.path.join(state, "schema")
    found = int(open(path).read()) if os.path.exists(path) else 0
    if found > SCHEMA:
        sys.exit("written by a newer edgebot")
    with open(path, "w") as file:
        file.write(str(SCHEMA))


if verb == "turn":
    {self_test}
    print(json.dumps({{"reply": REPLY}}))
elif verb in ("promises", "kb"):
    migrate()
elif verb == "run":
    {run}
    migrate()
    where = os.environ["RUNTIME_DIRECTORY"]
    os.chdir(where)
    for old in glob.glob("control*.sock"):
        os.unlink(old)
    listening = socket.socket(socket.AF_UNIX)
    listening.bind("control-1.sock")
    listening.listen()
    while True:
        connection, _ = listening.accept()
        with connection, connection.makefile("rb") as lines:
            if lines.readline():
                answer = {{"ok": True, "reply": REPLY}}
                connection.sendall(json.dumps(answer).encode() + b"\\n")
"""


class Keys:
    """Key pairs by name."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def pair(self, name: str, expires: int | None = None) -> tuple[SigningKey, bytes]:
        """The private key and its public file."""
        private = self._folder / f"{name}.key"
        public = private.with_suffix(".pub")
        if not private.exists():
            make_pair(private, public, name, expires)
        return SigningKey.read(private), public.read_bytes()


class Release:
    """A signed manifest and its objects."""

    def __init__(self, manifest: Made, signature: bytes, objects: dict[str, bytes]) -> None:
        self.manifest, self.signature, self.objects = manifest, signature, objects
        self.id = manifest.release


def release(
    key: SigningKey,
    name: str,
    reply: str = "About 35 ounces.",
    schema: int = 1,
    created: int = CREATED,
    run: str = "pass",
    self_test: str = "pass",
    files: dict[str, tuple[bytes, str]] | None = None,
    **facts: Any,
) -> Release:
    """A release whose assistant gives ``reply``; ``files``: path → content and kind."""
    script = ASSISTANT.format(
        reply=f"{reply} ({name})", schema=schema, run=run, self_test=self_test
    )
    content: dict[str, tuple[bytes, str]] = {
        "bin/edgebot": (LAUNCHER.format(python=sys.executable).encode(), "python"),
        "site/assistant.py": (script.encode(), "python"),
        "models/ear/model.bin": (b"\1" * 50_000, "model"),
        "settings/edgebot.yaml": (b"profile: x86\n", "settings"),
        "systemd/edgebot.service": (b"[Service]\n[Install]\nWantedBy=multi-user.target\n", "unit"),
        **(files or {}),
    }
    entries = [
        Entry(path, hashlib.sha256(raw).hexdigest(), len(raw), kind, path.startswith("bin/"))  # type: ignore[arg-type]
        for path, (raw, kind) in sorted(content.items())
    ]
    about: dict[str, Any] = {
        "version": "1.0.0", "profile": "x86", "arch": os.uname().machine, "glibc": "2.17",
        "python": f"3.{sys.version_info[1]}", "cpu": (), "system": (), "bytecode": True,
        "components": (),
    } | facts  # fmt: skip
    made = Made(created=created, entries=tuple(entries), **about)
    objects = {hashlib.sha256(raw).hexdigest(): raw for raw, _ in content.values()}
    return Release(made, key.sign(made.to_bytes()), objects)


class LittleBoard:
    """A board in ``root``."""

    def __init__(self, root: Path, keys: Keys) -> None:
        self.keys = keys
        self.key, self.public = keys.pair("maker")
        self.layout = Layout(root)
        self.layout.home.mkdir(parents=True)
        self.layout.data.mkdir(parents=True)
        (self.layout.data / "timers").write_text("tea")
        self.layout.program.write_bytes(packing.pack(packing.own_files()))

    def offer(self, one: Release, **wish: Any) -> dict[str, Any]:
        """Offer a release as `edgebot flash` does; raises ``Refused``."""
        wish.setdefault("first_key", self.public)
        made = offer.Offer(one.manifest.to_bytes(), one.signature, **wish)
        return offer.consider(self.layout, made, checks.look())

    def send(self, one: Release, found: dict[str, Any] | None = None, **wish: Any) -> Manifest:
        """Offer it and send what is missing."""
        found = found or self.offer(one, **wish)
        manifest = offer.known_manifest(self.layout, one.id)
        stream = b"".join(head_and(sha, one.objects[sha]) for sha in found["missing"])
        store.receive(self.layout, manifest, io.BytesIO(stream))
        return manifest

    def call(self, *words: str, driver: str = "") -> dict[str, Any]:
        """Call the program, or ``driver``, a process that does so and is killed on the way."""
        words = ("--root", str(self.layout.root), "--limit-s", "20", *words)
        if driver:
            command = [sys.executable, "-c", driver, *words]
            subprocess.run(command, capture_output=True, timeout=PATIENCE_S, check=False)
            return self.state()
        out = io.StringIO()
        with contextlib.redirect_stdout(out):
            program.main([*words])
        answer: dict[str, Any] = json.loads(out.getvalue().splitlines()[-1])
        return answer

    def flash(self, one: Release, driver: str = "", **wish: Any) -> dict[str, Any]:
        """Offer, send, install; what the board says."""
        self.send(one, **wish)
        return self.call("install", one.id, driver=driver)

    def state(self) -> dict[str, Any]:
        return read_json(self.layout.state)

    def reply(self) -> str:
        """What the running assistant says; waits until it does."""
        until = time.monotonic() + PATIENCE_S
        while True:
            try:
                return str(_ask(self.layout, Question(b"", ""))[0]["reply"])
            except (OSError, ValueError):
                assert time.monotonic() < until, "nothing answers"
                time.sleep(0.02)

    def power_cut(self) -> None:
        """Everything stops at once."""
        self.call("stop")
        for left in self.layout.runtime.glob("control*.sock"):
            left.unlink()

    def boot(self) -> dict[str, Any]:
        """The guard, then the service, as the units order it."""
        said = self.call("boot")
        if self.layout.current_release():
            self.call("start")
        return said


def head_and(sha256: str, content: bytes, offset: int = 0) -> bytes:
    """An object as it is sent."""
    head = {"sha256": sha256, "offset": offset, "length": len(content) - offset}
    return json.dumps(head).encode() + b"\n" + content[offset:]


def refusal(work: Callable[[], Any]) -> Refused:
    """The refusal that ``work`` ends in."""
    try:
        work()
    except Refused as problem:
        return problem
    raise AssertionError("it was not refused")


def question(expected: str = "35") -> dict[str, str]:
    return {"wav": base64.b64encode(b"RIFF").decode(), "expected": expected}
