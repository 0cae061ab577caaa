"""Resident memory of the whole daemon, for each device profile.

All of `edgebot run` but the sound card: ears, wake word, recogniser, voice, knowledge base,
language model and the HTTP door, in a simulated room, in a process of its own. The profile's
models, context and turn limits are those of the board; the processor is this one.
"""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import yaml

from benchmarks.common import say

PROFILES = ("rpi-zero2", "rpi4", "rpi5", "x86")
TURNS = 15
QUESTIONS = (
    "what time is it",
    "why is the sky blue",
    "tell me something about a good friend",
)
"""Of a rule, of the documents, of the language model; in turn."""

SHARE = Path(__file__).resolve().parents[1] / "models" / "profiles"


def run(quick: bool) -> dict[str, Any]:
    """Measure the profiles."""
    figures = {}
    for profile in PROFILES[:1] if quick else PROFILES:
        figures[profile] = _measured(profile, len(QUESTIONS) if quick else TURNS)
        say(f"daemon, {profile}: {figures[profile]['mib']}")
    return figures


def _measured(profile: str, turns: int) -> dict[str, Any]:
    """In a process of its own, with documents that were read before."""
    from edgebot.config import paths

    with tempfile.TemporaryDirectory() as folder, store_for(profile, paths.models_dir()) as store:
        environ = {
            **os.environ,
            "EDGEBOT_STATE_DIR": folder,
            "EDGEBOT_MODELS_DIR": str(store),
            "EDGEBOT_PROFILE": profile,
            "EDGEBOT_SERVER__PORT": "0",
        }
        command = [sys.executable, "-m", "benchmarks.memory_daemon"]
        for wanted in ("0", str(turns)):
            done = subprocess.run(
                [*command, wanted], env=environ, capture_output=True, text=True, check=True
            )
        figures: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
        return figures


@contextmanager
def store_for(profile: str, models_dir: Path) -> Iterator[Path]:
    """The models, with ``profile`` as if it were meant for this processor."""
    import platform

    shipped = yaml.safe_load((SHARE / f"{profile}.yaml").read_text("utf-8"))
    here = {
        **shipped,
        "match": {"arch": [platform.machine()]},
        "requires": {"memory_mb": 0},
    }
    with tempfile.TemporaryDirectory() as folder:
        store = Path(folder)
        for entry in models_dir.iterdir():
            (store / entry.name).symlink_to(entry.resolve())
        (store / "profiles.d").mkdir()
        (store / "profiles.d" / f"{profile}.yaml").write_text(yaml.safe_dump(here))
        yield store


def measure(turns: int) -> dict[str, Any]:
    """Start the daemon of the settings, speak with it, and look at this process in between."""
    from benchmarks.soak import speech
    from edgebot.audio.acoustics import Acoustics
    from edgebot.audio.room import Room
    from edgebot.config.loader import load_settings
    from edgebot.config.profiles import profile_settings
    from edgebot.core.cancel import Cancellation
    from edgebot.runtime.live.bus import Bus
    from edgebot.runtime.live.rehearsal import Rehearsal
    from edgebot.runtime.live.starting import warm_up
    from edgebot.runtime.live.telling import Teller
    from edgebot.runtime.wiring import Assembly
    from edgebot.server.doors import services_of
    from edgebot.server.house import House
    from edgebot.server.rim import Rim

    settings = load_settings(profile_settings=profile_settings)
    room: Any = Room(Acoustics(echo_db=None), remember_s=1.0)
    routes: list[str] = []
    with Assembly(settings) as assembly:
        bus = Bus()
        teller = Teller(bus)
        with Rehearsal(assembly, room, hooks=teller.hooks()) as stage:
            rim = Rim(House(assembly, bus, stage.daemon, teller), services_of(settings))
            rim.start()
            heard = memory()
            warm_up(assembly, stage.daemon, Cancellation()).join()
            warm = memory()
            asked = [speech(assembly.tts(), question) for question in QUESTIONS]
            for samples in islice(cycle(asked), turns):
                stage.ask(samples)
                stage.wait_for(lambda: not stage.daemon.activity.busy())
            ledger = stage.daemon.parts.ledger.last()[-turns:] if turns else []
            routes = [str(record["route"]) for record in ledger]
            spoken = memory()
            rim.close()
        models = {name: pick.entry.id for name, pick in assembly.plan.picks.items() if pick.entry}
        return {
            "mib": {"hears": heard["all"], "ready": warm["all"], "spoken": spoken["all"]},
            "of_files_mib": spoken["files"],
            "peak_mib": spoken["peak"],
            "planned_mib": assembly.plan.memory_mb,
            "turns": turns,
            "routes": {name: routes.count(name) for name in sorted(set(routes))},
            "models": models,
            "context_tokens": settings.llm.context_tokens,
        }


def memory() -> dict[str, int]:
    """This process in MiB: resident, the most there was, and the part that is pages of files."""
    status = Path("/proc/self/status").read_text()

    def of(name: str) -> int:
        found = re.search(rf"{name}:\s+(\d+) kB", status)
        return round(int(found[1]) / 1024) if found else 0

    return {"all": of("VmRSS"), "peak": of("VmHWM"), "files": of("RssFile")}


HEADERS = (
    "profile", "hears, MiB", "warmed up", "after the turns", "of it pages of files", "most ever",
    "planned", "turns (rule, documents, language model)", "language model, tokens of context",
)  # fmt: skip


def rows(figures: dict[str, Any]) -> list[list[Any]]:
    """A row for each profile."""
    return [
        [
            profile, *one["mib"].values(), one["of_files_mib"], one["peak_mib"], one["planned_mib"],
            f"{one['turns']} ({', '.join(str(one['routes'].get(r, 0)) for r in ROUTES)})",
            f"`{one['models'].get('llm', 'none')}`, {one['context_tokens']}",
        ]
        for profile, one in figures.items()
    ]  # fmt: skip


ROUTES = ("command", "knowledge", "llm")

if __name__ == "__main__":
    os.environ.setdefault("EDGEBOT_LOG_LEVEL", "ERROR")
    print(json.dumps(measure(int(sys.argv[1]))))
