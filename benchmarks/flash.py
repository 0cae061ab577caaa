"""What a flash costs: time and bytes, cold and for an update of the code, into a real sshd here."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.common import say, table
from edgebot.models.signatures import SigningKey, make_pair
from tests.e2e.flash_target import CREATED, Target, Workshop, target


def run(quick: bool) -> dict[str, Any]:
    """Flash a bundle cold, one with a changed file, one with all of edgebot's code changed."""
    if not (shutil.which("sshd") or Path("/usr/sbin/sshd").exists()):
        return {"skipped": "no sshd here"}
    with tempfile.TemporaryDirectory(prefix="edgebot-flash-") as name:
        folder = Path(name)
        make_pair(folder / "maker.key", folder / "maker.pub", "", None)
        key = SigningKey.read(folder / "maker.key")
        shop = Workshop(folder / "shop")
        code = {
            file.entry.path: file.source.read_text() + "\n# changed\n"
            for file in shop.base
            if file.entry.path.startswith("site/edgebot/") and file.entry.path.endswith(".py")
        }
        orders: list[tuple[str, dict[str, str]]] = [
            ("cold", {}),
            ("one file", {"site/edgebot/one.py": "X = 1\n"}),
            ("all code", code),
        ]
        figures: dict[str, Any] = {}
        with target(folder / "board") as board:
            for number, (label, changed) in enumerate(orders[: 2 if quick else 3]):
                say(f"flashing: {label}")
                bundle = shop.bundle(label.replace(" ", "-"), key, changed, CREATED + number)
                figures[label] = _flash(board, bundle, folder / "maker.pub")
        return figures


def _flash(board: Target, bundle: Path, public: Path) -> dict[str, Any]:
    before = _written(board.root)
    done = subprocess.run(
        [sys.executable, "-m", "edgebot.cli", "flash", "board", "--json", "--root", board.root,
         "--ssh-config", board.config, "--bundle", bundle, "--trust", public],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    state = json.loads(done.stdout.splitlines()[-1])
    return {
        "bundle_mb": round(bundle.stat().st_size / 1e6, 1),
        "sent_mb": round(state["bytes_sent"] / 1e6, 3),
        "new_on_disk_mb": round((_written(board.root) - before) / 1e6, 3),
        "objects": state["objects_sent"],
        "total_s": state["total_s"],
        "down_s": round(
            sum(state["spans"].get(step, 0.0) for step in
                ("stop", "migrate", "swap", "settings", "switch", "start", "prove")), 2
        ),
        "spans": state["spans"],
    }  # fmt: skip


def _written(root: Path) -> int:
    """Bytes of everything on the board, each hard link once."""
    looks = {path.lstat().st_ino: path.lstat().st_size for path in root.rglob("*")}
    return sum(looks.values())


def report(figures: dict[str, Any]) -> str:
    """Markdown."""
    if "skipped" in figures:
        return f"Not measured: {figures['skipped']}."
    rows = [
        [label, one["bundle_mb"], one["objects"], one["sent_mb"], one["new_on_disk_mb"],
         one["total_s"], one["down_s"]]
        for label, one in figures.items()
    ]  # fmt: skip
    head = ["update", "bundle MB", "files sent", "MB sent", "MB new on disk", "s in all", "s down"]
    return (
        "Into an sshd on this machine, in a network namespace; the bundle holds edgebot and "
        "six models, the packages of others are not in it. In all: from the first question to the "
        "right answer of the new release; down: from the stop of the old one to that answer.\n\n"
        + table(head, rows)
    )
