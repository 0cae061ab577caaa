"""The system's own ssh: its keys and agent, its known hosts, its settings. No passwords."""

from __future__ import annotations

import os
import re
import shlex
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO

from edgebot.core.errors import FlashError, UsageError

LOST = 255
"""What ssh ends with when the connection is lost or never came about."""

_PATIENCE_S = 15


class ConnectionLost(FlashError):
    """The connection broke; trying again may help."""


@dataclass(frozen=True, slots=True)
class Said:
    """What a command on the board came to."""

    code: int
    out: str
    err: str


class Ssh:
    """One board. Calls share a connection, so only the first one pays for its handshake."""

    def __init__(self, host: str, config: Path | None = None) -> None:
        """``config``: instead of ``~/.ssh/config`` (``ssh -F``). Raises ``UsageError``."""
        if not re.fullmatch(r"[A-Za-z0-9_\[][A-Za-z0-9_.@:%\[\]-]*", host):
            raise UsageError(f"{host!r} is no host; write it as for ssh: pi@kitchen.local")
        self.host = host
        self._folder = tempfile.TemporaryDirectory(prefix="edgebot-ssh-")
        self._config = config

    def __enter__(self) -> Ssh:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        subprocess.run(
            self.command("-O", "exit"), check=False, capture_output=True, stdin=subprocess.DEVNULL
        )
        self._folder.cleanup()

    def command(self, *options: str) -> list[str]:
        """The local command line up to the host."""
        words = ["ssh", *(["-F", str(self._config)] if self._config else [])]
        for option in (
            "BatchMode=yes",
            "StrictHostKeyChecking=yes",
            f"ConnectTimeout={_PATIENCE_S}",
            "ServerAliveInterval=5",
            "ServerAliveCountMax=3",
            "ControlMaster=auto",
            f"ControlPath={self._folder.name}/%C",
            "ControlPersist=30",
        ):
            words += ["-o", option]
        return [*words, *options, "--", self.host]

    def run(self, words: Sequence[str] | str, stdin: bytes = b"") -> Said:
        """Run ``words`` on the board and wait; raises :class:`FlashError` when it is not reached.

        A string is a command line of the board's shell.
        """
        line = words if isinstance(words, str) else shlex.join(words)
        done = self._local([*self.command(), line], stdin)
        said = Said(done.returncode, done.stdout.decode(errors="replace"), _text(done.stderr))
        if said.code == LOST:
            raise self.trouble(said.err)
        return said

    def open(self, words: Sequence[str]) -> subprocess.Popen[bytes]:
        """Start ``words`` on the board with pipes to it."""
        return subprocess.Popen(
            [*self.command(), shlex.join(words)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
        )

    def trouble(self, err: str) -> FlashError:
        """The one sentence about what ssh complains of."""
        name = self.host.rpartition("@")[2]
        if "IDENTIFICATION HAS CHANGED" in err or ("host key for" in err and "changed" in err):
            return FlashError(
                f"{name} shows another host key than the known one: is it the same board? If it "
                f"was set up anew, `ssh-keygen -R {name}` forgets the old key"
            )
        if "Host key verification failed" in err or "No ED25519 host key is known" in err:
            return FlashError(
                f"the host key of {name} is not known here; call `ssh {self.host}` once and "
                "compare the fingerprint that it shows with the board's"
            )
        if "Permission denied" in err:
            return FlashError(
                f"{self.host} lets none of your keys in; `ssh-copy-id {self.host}` puts one there"
            )
        last = next(
            (line for line in reversed(err.splitlines()) if line.strip()), "no reason given"
        )
        if re.search("resolve hostname|refused|No route|timed out|unreachable", err):
            return ConnectionLost(f"{name} cannot be reached ({last}); is it on?")
        return ConnectionLost(f"the connection to {name} broke ({last}); flash again, it goes on")

    def _local(self, words: list[str], stdin: bytes) -> subprocess.CompletedProcess[bytes]:
        environ = {**os.environ, "LC_ALL": "C"}  # its messages are read above
        try:
            return subprocess.run(words, input=stdin, capture_output=True, check=False, env=environ)
        except FileNotFoundError:
            raise FlashError("ssh is not on this machine; install openssh-client") from None


def _text(raw: bytes | IO[bytes]) -> str:
    content = raw if isinstance(raw, bytes) else raw.read()
    return content.decode(errors="replace").strip()
