"""A board without emulation: Debian with systemd as its first process in systemd-nspawn.

Quick, and the kernel is this machine's: no power cut, no sound card. It has a network of its own in
which there is nothing; ssh goes in through the namespace.
"""

from __future__ import annotations

import contextlib
import shutil
import subprocess
import sys
from pathlib import Path

from tests.board.reach import Reached, run, wait_for, write

RELAY = Path(__file__).resolve().parents[1] / "e2e" / "flash_relay.py"
SPAWN = (
    *("systemd-nspawn", "--boot", "--quiet", "--register=no", "--keep-unit", "--private-network"),
    *("--link-journal=no", "--console=pipe", "--machine=edgebot-board"),
    # Without these two IPAddressDeny= would be accepted and not enforced.
    *("--capability=all", "--system-call-filter=bpf"),
)


class Container(Reached):
    """A copy of a root directory, and what runs in it."""

    def __init__(self, root: Path, folder: Path) -> None:
        super().__init__(folder)
        self.root = root
        self.place = folder / "root"
        self._process: subprocess.Popen[bytes] | None = None

    def prepare(self) -> None:
        """Make the copy; nothing of edgebot is on it."""
        self.make_keys()
        shutil.rmtree(self.place, ignore_errors=True)
        run(["cp", "-a", "--reflink=auto", str(self.root), str(self.place)])
        write(self.place / "etc/hostname", "board\n")
        self.let_in(self.place)

    def start(self) -> None:
        """Boot it, and find its network."""
        with (self.folder / "console.log").open("ab") as log:
            self._process = subprocess.Popen(
                [*SPAWN, f"--directory={self.place}"],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        wait_for("the first process of the container", self._leader, 60)
        inside = f"nsenter --net --target {self._leader()} {sys.executable} {RELAY} %h %p"
        self.write_config(22, f"ProxyCommand {inside}")

    def _leader(self) -> str:
        """Number of the container's first process."""
        assert self._process is not None
        if self._process.poll() is not None:
            text = (self.folder / "console.log").read_text(errors="replace")
            raise SystemExit(f"the container does not boot:\n{text[-2000:]}")
        children = Path(f"/proc/{self._process.pid}/task/{self._process.pid}/children")
        return children.read_text().split(" ")[0]

    def stop(self) -> None:
        """Shut it down in good order."""
        if self._process is None or self._process.poll() is not None:
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.ssh("systemctl poweroff", check=False)
            self._process.wait(timeout=60)
        if self._process.poll() is None:
            self._process.kill()
            self._process.wait()
