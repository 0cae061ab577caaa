"""What a bundle weighs for each profile, what it costs to make, and how exposed the service is.

A board's life in emulation (flash, power cut, rollback) is measured by ``make test-board``; its
figures are taken in where they lie beside this part's (``results/board-<suite>.json``).
"""

from __future__ import annotations

import hashlib
import json
import re
import resource
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks import first_start
from benchmarks.common import RESULTS, say, table
from edgebot.config.paths import share_dir
from edgebot.deploy.bundle_file import BundleReader

PROFILES = ("rpi-zero2", "rpi4", "rpi5", "jetson-orin-nano", "x86")
EDGEBOT = str(Path(sys.executable).with_name("edgebot"))


def run(quick: bool) -> dict[str, Any]:
    """Make a bundle a profile (with ``quick`` one), twice for the first: are they the same?"""
    figures: dict[str, Any] = {"bundles": {}, "exposure": exposure()}
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        key = folder / "key"
        subprocess.run([EDGEBOT, "bundle", "keygen", "--out", str(key)], check=True)
        for number, profile in enumerate(PROFILES[:1] if quick else PROFILES):
            figures["bundles"][profile] = facts = _make(profile, key, folder)
            if number == 0:
                facts["same_again"] = _make(profile, key, folder)["sha256"] == facts["sha256"]
            say(f"{profile}: {facts['bytes'] / 1e6:.0f} MB")
    figures["first_start"] = first_start.measure()
    for path in sorted(RESULTS.glob("board-*.json")):
        figures[path.stem] = json.loads(path.read_text())
    return figures


def _make(profile: str, key: Path, folder: Path) -> dict[str, Any]:
    bundle = folder / "bundle"
    before = _cpu_s()
    done = subprocess.run(
        [
            EDGEBOT,
            "bundle",
            "--profile",
            profile,
            "--key",
            str(key),
            "--out",
            str(bundle),
            "--json",
        ],
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    facts: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    with bundle.open("rb") as file:
        facts["sha256"] = hashlib.file_digest(file, "sha256").hexdigest()
    facts["cpu_s"] = round(_cpu_s() - before, 1)
    with BundleReader(bundle) as reader:
        own = [e for e in reader.manifest.entries if e.path.startswith("site/edgebot/")]
        facts["own_code_bytes"] = sum(
            len(reader.stored(sha256).read()) for sha256 in {e.sha256 for e in own}
        )
    bundle.unlink()
    return {k: facts[k] for k in ("bytes", "sizes", "files", "own_code_bytes", "cpu_s", "sha256")}


def _cpu_s() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def exposure() -> dict[str, float | None]:
    """What ``systemd-analyze security`` says of the service and with each network drop-in."""
    found: dict[str, float | None] = {}
    for drop_in in ("", "no-network", "home-network"):
        found[drop_in or "as shipped"] = _exposure(drop_in)
    return found


def _exposure(drop_in: str) -> float | None:
    if not shutil.which("systemd-analyze"):
        return None
    systemd = share_dir("systemd")
    with tempfile.TemporaryDirectory() as name:
        units = Path(name) / "etc/systemd/system"
        (units / "edgebot.service.d").mkdir(parents=True)
        shutil.copy(systemd / "edgebot.service", units)
        if drop_in:
            shutil.copy(systemd / "optional" / f"{drop_in}.conf", units / "edgebot.service.d")
        command = ["systemd-analyze", "security", "--offline=true", f"--root={name}"]
        done = subprocess.run(
            [*command, "edgebot.service"], capture_output=True, text=True, check=False
        )
    match = re.search(r"edgebot\.service: ([0-9.]+)", done.stdout)
    return float(match[1]) if match else None


def report(figures: dict[str, Any]) -> str:
    """Tables of the figures."""
    rows = []
    for profile, facts in figures["bundles"].items():
        sizes = facts["sizes"]
        rows.append(
            [
                profile,
                f"{facts['bytes'] / 1e6:.0f}",
                f"{sizes['model'] / 1e6:.0f}",
                f"{sizes['python'] / 1e6:.0f}",
                f"{facts['own_code_bytes'] / 1e6:.1f}",
                f"{facts['cpu_s']:.0f}",
            ]
        )
    head = ["profile", "bundle, MB", "models on the board, MB", "packages on the board, MB"]
    head += ["edgebot's own code in the bundle, MB", "CPU seconds to make"]
    text = table(head, rows)
    first = next(iter(figures["bundles"].values()))
    text += f"\n\nMade twice, the same to the byte: {'yes' if first['same_again'] else 'no'}.\n\n"
    text += table(
        ["service", "systemd-analyze security"],
        [[name, value] for name, value in figures["exposure"].items()],
    )
    starts = figures.get("first_start", {})
    if starts:
        calls = list(next(iter(starts.values())))
        rows = [[label, *(one[call] for call in calls)] for label, one in starts.items()]
        text += "\n\nCPU seconds on this machine, one thread an engine, from no state at all:\n\n"
        text += table(["start", *calls], rows)
    for name, life in figures.items():
        if name.startswith("board-"):
            text += f"\n\n{_life(life)}"
    return text


def _life(life: dict[str, Any]) -> str:
    rows: list[list[Any]] = []
    if arm := life.get("aarch64"):
        rows.append(["aarch64 as Cortex-A72: installed and answered aloud, s", arm["seconds"]])
        rows += [[f"of that {step}, s", spent] for step, spent in arm["steps_s"].items()]
    if board := life.get("container"):
        cold, update = board["cold_flash"], board["update"]
        rows += [
            ["container: cold flash, s", cold["seconds"]],
            ["bytes sent by it, MB", round(cold["bytes_sent"] / 1e6)],
            ["update, s", update["seconds"]],
            ["bytes sent by it, MB", round(update["bytes_sent"] / 1e6, 2)],
            ["a release that crashes to the old one in force, s", board["rollback_s"]],
        ]
    if machine := life.get("machine"):
        update = machine["update"]
        rows += [
            ["machine: first power-on to listening, s", machine["first_boot_to_listening_s"]],
            ["later power-on to listening, s", machine["on_to_listening_s"]],
            ["update, s", update["seconds"]],
            ["bytes sent by it, MB", round(update["bytes_sent"] / 1e6, 2)],
            ["bytes written by it, MB", round(update["bytes_written"] / 1e6)],
            ["a release that crashes to the old one in force, s", machine["rollback_s"]],
            ["systemd-analyze security, running", machine["security"]],
        ]
    return f"Debian {life['suite']} ({life.get('note', 'by `make test-board`')}):\n\n" + table(
        ["", ""], rows
    )
