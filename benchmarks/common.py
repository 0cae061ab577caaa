"""What every measurement needs: the machine's name, statistics, results on disk."""

from __future__ import annotations

import json
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

RESULTS = Path(__file__).parent / "results"
SHARED_DATA = Path(__file__).resolve().parents[2] / "shared" / "data"
"""Real data beside the checkout; parts that need it say so where it is absent."""


def machine() -> dict[str, Any]:
    """The machine the figures belong to."""
    model = platform.processor() or platform.machine()
    try:
        for line in Path("/proc/cpuinfo").read_text().splitlines():
            if line.startswith(("model name", "Model")):
                model = line.partition(":")[2].strip()
                break
    except OSError:
        pass
    memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 1e9
    return {
        "cpu": model,
        "cores": os.cpu_count(),
        "memory_gb": round(memory, 1),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
    }


def timed(work: Callable[[], Any], runs: int, warmup: int = 1) -> list[float]:
    """Seconds ``work`` took, ``runs`` times after ``warmup`` uncounted ones."""
    for _ in range(warmup):
        work()
    spans = []
    for _ in range(runs):
        began = time.perf_counter()
        work()
        spans.append(time.perf_counter() - began)
    return spans


def summary(values: Sequence[float], digits: int = 3) -> dict[str, float]:
    """Median, p95, least and count of ``values``."""
    ordered = sorted(values)
    p95 = ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))]
    return {
        "median": round(statistics.median(ordered), digits),
        "p95": round(p95, digits),
        "min": round(ordered[0], digits),
        "n": len(ordered),
    }


def peak_rss_mb() -> float:
    """The most memory this process has had resident, in MB."""
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1000.0


def write_result(part: str, figures: dict[str, Any], command: str | None = None) -> Path:
    """Save ``figures`` with machine, date and the command that reproduces them."""
    RESULTS.mkdir(exist_ok=True)
    path = RESULTS / f"{part}.json"
    record = {
        "part": part,
        "date": datetime.now(UTC).strftime("%Y-%m-%d"),
        "machine": machine(),
        "command": command or f"python -m benchmarks {part}",
        "figures": figures,
    }
    path.write_text(json.dumps(record, indent=2, ensure_ascii=False) + "\n")
    return path


def table(headers: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A Markdown table."""
    lines = ["| " + " | ".join(headers) + " |", "|" + "|".join("---" for _ in headers) + "|"]
    lines += ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def say(text: str) -> None:
    """Progress, on standard error."""
    sys.stderr.write(text + "\n")
    sys.stderr.flush()
