"""``python3 -m edgebot.setup [run|dev]``: make this checkout ready."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path

from edgebot.setup import llama, models, packages, system
from edgebot.setup.console import Console, StepFailed
from edgebot.setup.stamps import Stamps

ROOT = Path(__file__).resolve().parents[2]


def main() -> int:
    """Run the steps that are not done yet; 1 when one failed, 130 when interrupted."""
    parser = argparse.ArgumentParser(prog="python3 -m edgebot.setup", description=__doc__)
    parser.add_argument("goal", nargs="?", choices=["run", "dev"], default="run")
    goal = parser.parse_args().goal
    stamps = Stamps(ROOT)
    steps: list[tuple[str, str | None, Callable[[Console], None]]] = [
        ("system packages", None, lambda say: system.prepare(say, goal)),
        ("virtual environment", packages.venv_fingerprint(), lambda say: packages.venv(ROOT, say)),
        ("llama.cpp", llama.fingerprint(ROOT), lambda say: llama.install(ROOT, say)),
        (
            f"packages ({goal})",
            packages.fingerprint(ROOT, goal),
            lambda say: packages.install(ROOT, goal, say),
        ),
        (
            f"models ({goal})",
            models.fingerprint(ROOT, goal),
            lambda say: models.pull(ROOT, goal, say),
        ),
        (
            "understanding",
            models.sentences_fingerprint(ROOT),
            lambda say: models.understand(ROOT, say),
        ),
        ("knowledge", models.knowledge_fingerprint(ROOT), lambda say: models.learn(ROOT, say)),
    ]
    began = time.monotonic()
    worked = False
    for number, (name, fingerprint, work) in enumerate(steps, 1):
        done = stamps.done(name, fingerprint) if fingerprint else system.complete(goal)
        if done:
            continue
        worked = True
        console = Console(f"[{number}/{len(steps)}] {name}")
        try:
            work(console)
        except StepFailed as problem:
            console.end(f"failed\n\n{problem}\n\nRun the same command again to go on from here.")
            return 1
        except KeyboardInterrupt:
            console.end("interrupted; run the same command again to go on from here")
            return 130
        if fingerprint:
            stamps.mark(name, fingerprint)
        console.end("done")
    if worked:
        took = time.monotonic() - began
        print(f"set-up finished after {took:.0f} s", file=sys.stderr)  # noqa: T201
    return 0


if __name__ == "__main__":
    sys.exit(main())
