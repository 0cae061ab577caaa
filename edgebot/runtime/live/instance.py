"""One daemon a state directory, and how other processes reach it."""

from __future__ import annotations

import fcntl
import os
import signal
from pathlib import Path
from typing import IO

from edgebot.core.errors import EdgebotError, UsageError
from edgebot.dialogue.turnlog import turns_file


class AlreadyRunning(EdgebotError):
    """Another daemon uses the same state directory."""


class Instance:
    """Holds the lock of the running daemon and its process number; released with the process."""

    def __init__(self, state_dir: Path) -> None:
        """Raises :class:`AlreadyRunning`."""
        self._path = pid_file(state_dir)
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._file: IO[str] = self._path.open("a+")
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            self._file.seek(0)
            number = self._file.read().strip() or "?"
            self._file.close()
            raise AlreadyRunning(
                f"edgebot is running already (process {number}); stop it first: "
                "`systemctl stop edgebot`, or `kill` and that number"
            ) from None
        self._file.truncate(0)
        self._file.write(f"{os.getpid()}\n")
        self._file.flush()

    def close(self) -> None:
        """Give the lock back."""
        self._path.unlink(missing_ok=True)
        self._file.close()


def pid_file(state_dir: Path) -> Path:
    """Where the daemon of ``state_dir`` writes its process number."""
    turns = turns_file(state_dir)
    return turns.with_name(turns.name.replace("turns", "daemon", 1)).with_suffix(".pid")


def running(state_dir: Path) -> int | None:
    """Process number of the daemon of ``state_dir``; None when there is none."""
    try:
        with pid_file(state_dir).open("r+") as file:
            try:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except OSError:
                return int(file.read().strip() or 0) or None
    except (OSError, ValueError):
        pass
    return None


def tell(state_dir: Path, number: signal.Signals) -> int:
    """Send a signal to the daemon; its process number. Raises ``UsageError`` when none runs."""
    process = running(state_dir)
    if process is None:
        raise UsageError("edgebot is not running; start it with `edgebot run`")
    os.kill(process, number)
    return process
