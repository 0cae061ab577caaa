"""What a board is, asked with nothing but its shell: it may have no Python at all."""

from __future__ import annotations

import re
import tempfile
from dataclasses import dataclass
from pathlib import Path

from edgebot.config.hardware import Hardware, detect
from edgebot.core.errors import FlashError
from edgebot.deploy.ssh import Ssh

OLDEST_PYTHON = (3, 11)
CLOCK_SLACK_S = 86_400

FILES = (
    "proc/cpuinfo",
    "proc/meminfo",
    "proc/device-tree/model",
    "sys/class/dmi/id/sys_vendor",
    "sys/class/dmi/id/product_name",
)

SCRIPT = """\
echo "arch=$(uname -m)"
echo "uid=$(id -u)"
echo "now=$(date +%s)"
echo "sudo=$(sudo -n true 2>/dev/null && echo yes || echo no)"
echo "python=$(python3 -c 'import sys; print("%d.%d" % sys.version_info[:2])' 2>/dev/null)"
echo "system=$(. /etc/os-release 2>/dev/null && echo "$PRETTY_NAME")"
echo "program=$(sha256sum ROOT/opt/edgebot/board.pyz 2>/dev/null | cut -c1-64)"
for file in FILES; do
    [ -r "/$file" ] || continue
    echo "--- $file"
    tr -d '\\000' < "/$file"
    echo
done
"""


@dataclass(frozen=True, slots=True)
class Probe:
    """What the board says."""

    hardware: Hardware
    arch: str
    root: bool
    """Whether the login is root's; else ``sudo`` is used."""

    python: str
    system: str
    program: str
    """SHA-256 of the program that is there."""


def probe(ssh: Ssh, root: str, now: float) -> Probe:
    """Ask the board; raises :class:`FlashError` with what must be mended first."""
    script = SCRIPT.replace("ROOT", "" if root == "/" else root).replace("FILES", " ".join(FILES))
    said = ssh.run("sh -s", script.encode())
    head, *sections = re.split(r"^--- ", said.out, flags=re.MULTILINE)
    facts = dict(line.partition("=")[::2] for line in head.splitlines())
    if not facts.get("arch"):
        raise FlashError(f"{ssh.host} has no shell of its own ({said.err[:100]}); is it a board?")
    is_root = facts.get("uid") == "0"
    if not is_root and facts.get("sudo") != "yes":
        raise FlashError(
            f"{ssh.host} may not use sudo without a password; log in as root, or allow it on the "
            'board: echo "$USER ALL=(ALL) NOPASSWD: ALL" | sudo tee /etc/sudoers.d/010-flash'
        )
    _check_python(facts.get("python", ""))
    _check_clock(int(facts.get("now") or 0), now)
    return Probe(
        hardware=_hardware(sections, facts["arch"]),
        arch=facts["arch"],
        root=is_root,
        python=facts["python"],
        system=facts.get("system", ""),
        program=facts.get("program", ""),
    )


def _check_python(found: str) -> None:
    if not re.fullmatch(r"\d+\.\d+", found):
        raise FlashError("the board has no Python; `sudo apt-get install python3` on it")
    if tuple(map(int, found.split("."))) < OLDEST_PYTHON:
        raise FlashError(
            f"the board's Python is {found} and 3.11 or newer is needed; install a newer system "
            "(Debian 12 or later)"
        )


def _check_clock(board: int, now: float) -> None:
    if abs(board - now) > CLOCK_SLACK_S:
        days = (board - now) / 86_400
        raise FlashError(
            f"the board's clock is {abs(days):.0f} days {'ahead' if days > 0 else 'behind'}, so "
            "that signatures cannot be judged; set it: `sudo timedatectl set-ntp true`, or "
            "`sudo date -s @$(date +%s)`"
        )


def _hardware(sections: list[str], arch: str) -> Hardware:
    """The board's own files, read by the same code as on the board."""
    with tempfile.TemporaryDirectory(prefix="edgebot-probe-") as name:
        for section in sections:
            path, _, content = section.partition("\n")
            if path.strip() in FILES:
                file = Path(name) / path.strip()
                file.parent.mkdir(parents=True, exist_ok=True)
                file.write_text(content)
        return detect(Path(name), arch)
