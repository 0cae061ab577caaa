"""The virtual environment and what is installed into it, exactly as locked."""

from __future__ import annotations

import re
import shutil
import sys
from pathlib import Path

from edgebot.setup.console import Console, run
from edgebot.setup.stamps import digest

LOCKS = {"run": "requirements.lock", "dev": "requirements-dev.lock"}


def python(root: Path) -> str:
    """The interpreter of the virtual environment."""
    return str(root / ".venv" / "bin" / "python")


def venv_fingerprint() -> str:
    """Changes with the system's Python."""
    return digest(sys.version, sys.prefix)


def venv(root: Path, console: Console) -> None:
    """Make ``.venv``; a half-made or foreign one is replaced."""
    folder = root / ".venv"
    if (folder / "bin").exists():
        console.show("replacing .venv (made by another or an interrupted set-up)")
    shutil.rmtree(folder, ignore_errors=True)
    run([sys.executable, "-m", "venv", str(folder)], console)


def fingerprint(root: Path, goal: str) -> str:
    """Changes with the lock and with pyproject.toml."""
    return digest(root / LOCKS[goal], root / "pyproject.toml", str(root))


def install(root: Path, goal: str, console: Console) -> None:
    """Install the locked packages and this checkout (editable)."""
    lock = root / LOCKS[goal]
    total = sum(1 for line in lock.read_text().splitlines() if re.match(r"[\w.-]+==", line))
    seen: set[str] = set()

    def distil(line: str) -> str | None:
        if match := re.match(r"(?:Collecting|Requirement already satisfied:) ([\w.-]+)", line):
            seen.add(match[1].lower())
            return f"{min(len(seen), total)} of {total}: {match[1]}"
        return "unpacking" if line.startswith("Installing collected") else None

    pip = [python(root), "-m", "pip", "install", "--disable-pip-version-check"]
    run([*pip, "-r", str(lock)], console, distil=distil)
    console.show("edgebot itself")
    run([*pip, "--no-deps", "-e", str(root)], console, distil=lambda _: None)
