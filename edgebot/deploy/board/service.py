"""Starting and stopping the assistant: by systemd on a board, by ``supervisor`` below a folder."""

from __future__ import annotations

import contextlib
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Protocol

from .durable import write_json
from .layout import Layout, read_json
from .refusal import Interrupted

UNIT = "edgebot.service"
RESTARTS = 3
"""A service that was restarted so often within one start does not work."""


class Service(Protocol):
    """The assistant as something that is started and stopped."""

    def stop(self) -> None:
        """Stop it; raises :class:`Interrupted` when it will not."""

    def start(self) -> None:
        """Start it; returns at once."""

    def trouble(self) -> str | None:
        """Why it will not come up any more; None while it may."""


class Systemd:
    """The unit of a board."""

    def stop(self) -> None:
        """Stop the unit; one that is not there is stopped."""
        done = _systemctl("stop", UNIT)
        if done.returncode not in (0, 5):
            raise Interrupted(f"the service cannot be stopped ({done.stderr.strip()[-200:]})")

    def start(self) -> None:
        """Read the units again and start."""
        _systemctl("daemon-reload")
        _systemctl("reset-failed", UNIT)
        done = _systemctl("start", "--no-block", UNIT)
        if done.returncode:
            raise Interrupted(f"the service cannot be started ({done.stderr.strip()[-200:]})")

    def trouble(self) -> str | None:
        """From the unit's own counter: ``OnFailure=`` differs between versions of systemd."""
        shown = _systemctl("show", UNIT, "-p", "ActiveState,NRestarts,Result").stdout
        facts = dict(line.partition("=")[::2] for line in shown.splitlines())
        restarts = int(facts.get("NRestarts") or 0)
        if facts.get("ActiveState") == "failed" or restarts >= RESTARTS:
            log = subprocess.run(
                ["journalctl", "-u", UNIT, "-n", "3", "-o", "cat", "--no-pager"],
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            last = " / ".join(log.stdout.split("\n")).strip()[-300:]
            return (
                f"the service ends by itself ({facts.get('Result')}, {restarts} restarts: {last})"
            )
        return None


class Supervised:
    """A process of our own that keeps the assistant running."""

    def __init__(self, layout: Layout) -> None:
        self._layout = layout
        self._file = layout.runtime / "supervisor.json"

    def stop(self) -> None:
        """End supervisor and assistant."""
        for name in ("pid", "child"):
            number = read_json(self._file).get(name)
            if isinstance(number, int):
                _end(number)
        self._file.unlink(missing_ok=True)

    def start(self) -> None:
        """Start the supervisor if it does not run."""
        number = read_json(self._file).get("pid")
        if isinstance(number, int) and alive(number):
            return
        self._layout.runtime.mkdir(parents=True, exist_ok=True)
        number = detach([*command(self._layout), "supervise"], self._layout.home / "service.log")
        write_json(self._layout, self._file, {"pid": number})  # it may be stopped before it runs

    def trouble(self) -> str | None:
        """What the supervisor gave up about."""
        found = read_json(self._file).get("trouble")
        return found if isinstance(found, str) else None


def service_of(layout: Layout) -> Service:
    """What starts and stops the assistant below this root."""
    return Systemd() if layout.whole_machine else Supervised(layout)


def command(layout: Layout) -> list[str]:
    """This program, to be called again."""
    return [sys.executable, "-I", str(layout.program), "--root", str(layout.root)]


def detach(words: list[str], log: Path) -> int:
    """Run ``words`` on their own: they outlive this process and its terminal. Their number."""
    with log.open("ab") as out:
        return subprocess.Popen(
            words, stdin=subprocess.DEVNULL, stdout=out, stderr=out, start_new_session=True, cwd="/"
        ).pid  # fmt: skip


def detach_update(layout: Layout, words: list[str]) -> None:
    """Run ``words`` of this program on their own; killed, systemd has the update ended."""
    if not layout.whole_machine:
        detach([*command(layout), *words], layout.log)
        return
    subprocess.run(
        ["systemd-run", "--quiet", "--collect", "--unit=edgebot-update",
         "--property=Nice=5", "--", *command(layout), *words],
        capture_output=True, text=True, check=True,
    )  # fmt: skip


def _systemctl(*words: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(["systemctl", *words], capture_output=True, text=True, check=False)


def alive(number: int) -> bool:
    """Whether that process runs."""
    try:
        with Path(f"/proc/{number}/stat").open("rb") as file:
            return file.read().rpartition(b")")[2].split()[0] not in (b"Z", b"X")
    except OSError:
        return False


def _end(number: int, patience_s: float = 10.0) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(number, signal.SIGTERM)
        until = time.monotonic() + patience_s
        while alive(number):
            if time.monotonic() > until:
                os.kill(number, signal.SIGKILL)
                until = time.monotonic() + patience_s
            time.sleep(0.02)
