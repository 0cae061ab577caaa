"""`python -m tests.board`: flash whole machines in emulation, and prove what the page promises.

--part arm        the aarch64 bundle in an aarch64 root, processor of a Raspberry Pi 4
--part container  systemd without emulation: cold flash over ssh, hardened service, going back
--part machine    an emulated x86-64 machine: first boot of an image, sound, power cut, going back
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

from edgebot.models.signatures import make_pair
from tests.board import arm, roots, scenario
from tests.board.container import Container
from tests.board.machine import Machine

ROOT = Path(__file__).resolve().parents[2]
EDGEBOT = str(Path(sys.executable).with_name("edgebot"))
PARTS = ("arm", "container", "machine")
B_SETTINGS = "# The same assistant, another release.\nprofile: {profile}\n"


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tests.board", description=__doc__)
    parser.add_argument("--suite", choices=sorted(roots.PYTHON), default="bookworm")
    parser.add_argument("--part", choices=PARTS, nargs="+", default=PARTS)
    parser.add_argument("--reuse", action="store_true", help="take the bundles made before")
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    options = parser.parse_args()
    if os.geteuid() != 0:
        raise SystemExit("this test makes roots and mounts: run it as root")
    roots.check_tools()
    shelf = roots.SHELF
    shelf.mkdir(parents=True, exist_ok=True)
    private, public = shelf / "test.key", shelf / "test.pub"
    if not private.is_file():
        public.unlink(missing_ok=True)
        make_pair(private, public, "deep test", None)
    python = roots.PYTHON[options.suite]
    figures: dict[str, Any] = {"suite": options.suite}
    if "arm" in options.part:
        say("aarch64: bundle")
        folder = shelf / f"{options.suite}-board-arm"
        bundle = make_bundle("rpi4", python, private, folder, reuse=options.reuse)
        say("aarch64: install without a network, ask aloud")
        root = roots.arm(options.suite)
        figures["aarch64"] = arm.check(root, bundle, public, folder / "root")
        say(json.dumps(figures["aarch64"]))
    if set(options.part) - {"arm"}:
        say("x86-64: two bundles")
        folder = shelf / f"{options.suite}-board-x86"
        reuse = options.reuse
        first = make_bundle("x86", python, private, folder / "a", "--portable", reuse=reuse)
        settings = folder / "b.yaml"
        folder.mkdir(exist_ok=True)
        settings.write_text(B_SETTINGS.format(profile="x86"))
        words = ("--portable", "--settings", str(settings))
        second = make_bundle("x86", python, private, folder / "b", *words, reuse=reuse)
    if "container" in options.part:
        board = Container(roots.machine(options.suite), shelf / f"{options.suite}-container")
        figures["container"] = scenario.contained(board, first, second, public, say)
    if "machine" in options.part:
        machine = Machine(roots.machine(options.suite), roots.kernel(options.suite), folder)
        figures["machine"] = scenario.play(machine, first, second, public, say)
    say(json.dumps(figures, indent=1))
    if options.out:  # the other parts' figures stay
        before = json.loads(options.out.read_text()) if options.out.is_file() else {}
        options.out.write_text(json.dumps({**before, **figures}, indent=1) + "\n")


def make_bundle(
    profile: str, python: str, key: Path, folder: Path, *more: str, reuse: bool = False
) -> Path:
    made = list(folder.glob(f"*-{profile}-*-py{python.replace('.', '')}.bundle"))
    if reuse and made:
        return made[0]
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    command = [EDGEBOT, "bundle", "--profile", profile, "--python", python, "--key", str(key)]
    subprocess.run([*command, "--out", str(folder), "--json", *more], check=True, cwd=ROOT)
    return next(folder.glob("*.bundle"))


def say(text: str) -> None:
    print(text, flush=True)


if __name__ == "__main__":
    main()
