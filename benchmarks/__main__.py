"""``python -m benchmarks [PART …] [--quick]``: measure, then write RESULTS.md."""

from __future__ import annotations

import argparse
import importlib
import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from benchmarks.common import RESULTS, say, write_result

PARTS = [
    "turn",
    "live",
    "barge_in",
    "echo",
    "speech",
    "nlu",
    "slots",
    "spoken",
    "knowledge",
    "knowledge_growth",
    "llm",
    "build",
    "build_onnx",
    "build_waiting",
    "engines",
    "quality",
    "voices",
    "memory",
    "soak",
    "ears",
    "server",
    "flash",
    "board",
]
HEAD = """# Results

Measured, not claimed. Each section names its machine, date and command; times are medians with the
95th percentile where there are several runs. `make bench` measures everything again.
"""


def main() -> int:
    """Measure each part in a process of its own, so that memory figures are its own too."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--quick", action="store_true", help="fewer runs, smaller sets")
    parser.add_argument("--only-report", action="store_true", help="write RESULTS.md from results/")
    parser.add_argument("--in-process", action="store_true", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"no part {', '.join(sorted(unknown))}; known: {', '.join(PARTS)}")
    if options.in_process:
        measure(options.parts[0], options.quick)
        return 0
    failed = [] if options.only_report else run_all(options.parts or PARTS, options.quick)
    write_report()
    if failed:
        say(f"failed: {', '.join(failed)}")
    return 1 if failed else 0


def run_all(parts: list[str], quick: bool) -> list[str]:
    failed = []
    for part in parts:
        say(f"== {part}")
        command = [sys.executable, "-m", "benchmarks", "--in-process", part]
        if subprocess.run([*command, *(["--quick"] if quick else [])], check=False).returncode:
            failed.append(part)
    return failed


def measure(part: str, quick: bool) -> None:
    """Measure one part and save its figures."""
    os.environ.setdefault("EDGEBOT_LOG_LEVEL", "ERROR")
    module = importlib.import_module(f"benchmarks.{part}")
    figures: dict[str, Any] = module.run(quick)
    command = f"python -m benchmarks {part}" + (" --quick" if quick else "")
    say(f"written: {write_result(part, figures, command)}")
    print(module.report(figures))


def write_report() -> None:
    """RESULTS.md from the figures on disk."""
    sections = [HEAD]
    for part in PARTS:
        path = RESULTS / f"{part}.json"
        if not path.is_file():
            continue
        record = json.loads(path.read_text())
        machine = record["machine"]
        where = f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_gb']} GB"
        module = importlib.import_module(f"benchmarks.{part}")
        head = f"*{where}; Python {machine['python']}; {record['date']}; `{record['command']}`*"
        title = part.capitalize().replace("_", " ")
        sections.append(f"## {title}\n\n{head}\n\n{module.report(record['figures'])}\n")
    target = Path(__file__).parent / "RESULTS.md"
    target.write_text("\n".join(sections))
    say(f"written: {target}")


if __name__ == "__main__":
    sys.exit(main())
