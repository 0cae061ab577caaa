"""Keeps the assistant of a folder running where there is no systemd: restarts with a limit."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from types import FrameType

from .durable import write_json
from .layout import Layout
from .service import RESTARTS

CONFIG_ERROR = 78
_PAUSE_S = 0.2
_LOG_TAIL = 300


def environment(layout: Layout) -> dict[str, str]:
    """What the assistant of this root is started with; the unit says the same on a board."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("EDGEBOT_")}
    if not layout.whole_machine:
        environ |= {
            "EDGEBOT_STATE_DIR": str(layout.data),
            "EDGEBOT_CACHE_DIR": str(layout.cache),
            "RUNTIME_DIRECTORY": str(layout.runtime),
        }
        if (settings := layout.settings / "edgebot.yaml").is_file():
            environ["EDGEBOT_CONFIG"] = str(settings)
    return environ


def supervise(layout: Layout) -> int:
    """Run the assistant until told to stop, or until it has failed too often."""
    child: subprocess.Popen[bytes] | None = None
    stopped = False

    def stop(number: int, frame: FrameType | None) -> None:
        nonlocal stopped
        stopped = True
        if child is not None:
            child.terminate()

    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    facts: dict[str, object] = {"pid": os.getpid(), "restarts": 0}
    file = layout.runtime / "supervisor.json"
    for attempt in range(RESTARTS + 1):
        if stopped:
            return 0
        log = layout.home / "service.log"
        child = subprocess.Popen(
            [str(layout.current / "bin/edgebot"), "run", "--no-warm-up"],
            env=environment(layout), stdin=subprocess.DEVNULL, cwd="/",
        )  # fmt: skip
        write_json(layout, file, facts | {"child": child.pid, "restarts": attempt})
        if stopped:  # told so while the child was being made
            child.terminate()
        code = child.wait()
        if stopped or code == 0:
            return 0
        facts["last"] = code
        if code == CONFIG_ERROR:
            break
        time.sleep(_PAUSE_S)
    tail = log.read_text(errors="replace")[-_LOG_TAIL:].strip().splitlines() if log.exists() else []
    trouble = f"the service ends by itself (exit {facts['last']}: {' / '.join(tail[-2:])})"
    write_json(layout, file, facts | {"trouble": trouble})
    return 1
