"""A machine that is reached by ssh, whatever runs it."""

from __future__ import annotations

import shutil
import socket
import subprocess
import time
from pathlib import Path

SSH_CONFIG = """\
Host board
    HostName 127.0.0.1
    Port {port}
    {more}
    User root
    IdentityFile {folder}/id
    IdentitiesOnly yes
    UserKnownHostsFile {folder}/known_hosts
    HostKeyAlias board
"""


def run(command: list[str], **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, check=True, text=True, **options)  # type: ignore[call-overload,no-any-return]


def wait_for(what: str, ready: object, limit_s: float, pause_s: float = 1.0) -> float:
    """Seconds until ``ready()`` is true."""
    began = time.monotonic()
    while not ready():  # type: ignore[operator]
        if time.monotonic() - began > limit_s:
            raise SystemExit(f"{what}: not within {limit_s:.0f} s")
        time.sleep(pause_s)
    return time.monotonic() - began


class Reached:
    """Keys of both sides in ``folder``, and ssh by them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.config = folder / "ssh_config"
        folder.mkdir(parents=True, exist_ok=True)

    def write_config(self, port: int, more: str = "") -> None:
        """Say how it is reached; ``more``: a further line of ssh's settings."""
        write(self.config, SSH_CONFIG.format(port=port, folder=self.folder, more=more))

    def make_keys(self) -> None:
        """A key to log in with, and one the machine is known by."""
        for name in ("id", "ssh_host_ed25519_key"):
            (self.folder / name).unlink(missing_ok=True)
            (self.folder / f"{name}.pub").unlink(missing_ok=True)
            run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.folder / name)])
        public = (self.folder / "ssh_host_ed25519_key.pub").read_text()
        write(self.folder / "known_hosts", f"board {public}")

    def let_in(self, root: Path) -> None:
        """Put the keys into the root directory of the machine."""
        write(root / "root/.ssh/authorized_keys", (self.folder / "id.pub").read_text())
        for key in self.folder.glob("ssh_host_*"):
            shutil.copy(key, root / "etc/ssh" / key.name)
            (root / "etc/ssh" / key.name).chmod(0o600)

    def ssh_command(self, *options: str) -> list[str]:
        """ssh to it, up to what is to be run there."""
        return ["ssh", "-F", str(self.config), "-o", "BatchMode=yes", *options, "board"]

    def ssh(self, line: str, check: bool = True, timeout_s: float = 900) -> str:
        """Run a line of shell on it; what it prints."""
        done = subprocess.run(
            [*self.ssh_command("-o", "ConnectTimeout=10"), line],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        if check and done.returncode:
            raise SystemExit(f"on the board: {line}\n{done.stdout}{done.stderr}")
        return done.stdout.strip()

    def wait_for_ssh(self, limit_s: float = 300) -> float:
        """Seconds from now until it can be logged in to."""
        return wait_for("ssh", lambda: self.ssh("echo up", check=False) == "up", limit_s)


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
