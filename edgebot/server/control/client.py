"""The other end of the control socket: what ``edgebot ctl`` calls."""

from __future__ import annotations

import contextlib
import json
import socket
from pathlib import Path
from typing import Any

from edgebot.core.errors import EdgebotError, UsageError
from edgebot.server.control.address import reachable, socket_file

_PATIENCE_S = 20.0
_LONGEST = 1 << 20


def send(state_dir: Path, do: str, **arguments: Any) -> dict[str, Any]:
    """Have the running assistant do ``do``; its answer.

    Raises ``UsageError`` when none runs or it refuses, ``EdgebotError`` when it does not answer.
    """
    file = socket_file(state_dir)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(_PATIENCE_S)
        try:
            with reachable(file) as name:
                connection.connect(name)
        except (FileNotFoundError, ConnectionRefusedError):
            raise UsageError("edgebot is not running; start it with `edgebot run`") from None
        except PermissionError:
            raise UsageError(
                f"{file}: edgebot runs as another user; call this as that user, or with sudo"
            ) from None
        try:
            with contextlib.suppress(BrokenPipeError):  # it may refuse before it is asked
                connection.sendall(json.dumps({"do": do, **arguments}).encode() + b"\n")
            answer = _read(connection)
        except OSError as problem:
            raise EdgebotError(
                f"edgebot does not answer ({problem}); see its log: `journalctl -u edgebot`"
            ) from None
    if not answer.pop("ok", False):
        raise UsageError(str(answer.get("error", "edgebot refused")))
    return answer


def _read(connection: socket.socket) -> dict[str, Any]:
    line = b""
    while not line.endswith(b"\n"):
        piece = connection.recv(65_536)
        if not piece or len(line) > _LONGEST:
            break
        line += piece
    try:
        answer = json.loads(line)
    except ValueError:
        answer = None
    if not isinstance(answer, dict):
        raise EdgebotError("edgebot closed the connection; see its log: `journalctl -u edgebot`")
    return answer
