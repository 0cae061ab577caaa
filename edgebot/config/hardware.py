"""What this machine is: board, processor, memory, accelerator, temperature.

Every reader takes the root directory it reads under, so that a captured board is as good as a
real one. What cannot be read is unknown (None, 0, empty), never an error: a container without
``/proc/device-tree`` is a machine too.
"""

from __future__ import annotations

import os
import platform
import re
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from edgebot.config import cgroup

ROOT = Path("/")
ARM_CORES = {
    "0xd03": "Cortex-A53",
    "0xd04": "Cortex-A35",
    "0xd05": "Cortex-A55",
    "0xd07": "Cortex-A57",
    "0xd08": "Cortex-A72",
    "0xd09": "Cortex-A73",
    "0xd0a": "Cortex-A75",
    "0xd0b": "Cortex-A76",
    "0xd0c": "Neoverse-N1",
    "0xd41": "Cortex-A78",
    "0xd42": "Cortex-A78AE",
}
"""``CPU part`` of Arm's own cores (Arm, Main ID Register of each core's reference manual)."""


@dataclass(frozen=True, slots=True)
class Accelerator:
    """A processor beside the CPU that could run models."""

    kind: str
    """``cuda`` (a graphics card) or ``tegra`` (part of the chip, shares the memory)."""

    name: str
    memory_mb: int | None
    """Its own memory in MiB; None when it shares the machine's."""


@dataclass(frozen=True, slots=True)
class Hardware:
    """What was found."""

    board: str
    """Model of the board as its firmware calls it; empty when it does not say."""

    arch: str
    """``x86_64``, ``aarch64`` …"""

    cpu: str
    """Name of the processor; empty when unknown."""

    features: frozenset[str]
    """Instruction-set extensions as ``/proc/cpuinfo`` names them."""

    cores: int
    """Processors this process may run on, the quota of its container rounded up."""

    physical_cores: int
    """Of these, how many are not just second threads of another."""

    memory_mb: int
    """Memory that can be had at most, in MiB: the machine's, or the limit of the container."""

    available_mb: int
    """Of that, what is free or can be freed now, in MiB."""

    memory_limit: str
    """What sets :attr:`memory_mb`: ``machine`` or ``cgroup``."""

    swap_mb: int
    accelerator: Accelerator | None
    temperature_c: float | None
    """Hottest sensor, in degrees Celsius; None where the board tells none."""


def detect(root: Path = ROOT, arch: str | None = None) -> Hardware:
    """Look at the machine under ``root``; ``arch`` is for captured ones."""
    cpuinfo = _text(root / "proc/cpuinfo")
    cores = _allowed_cores(root, cpuinfo)
    memory_mb, available_mb, swap_mb = read_memory(root)
    limit_mb, free_mb = cgroup.memory_limit(root)
    limited = limit_mb is not None and (limit_mb < memory_mb or not memory_mb)
    if limited and limit_mb is not None and free_mb is not None:
        memory_mb = limit_mb
        available_mb = min(available_mb, free_mb) if available_mb else free_mb
    return Hardware(
        board=read_board(root),
        arch=arch or platform.machine(),
        cpu=read_cpu(cpuinfo),
        features=read_features(cpuinfo),
        cores=cores,
        physical_cores=min(cores, _physical_cores(cpuinfo) or cores),
        memory_mb=memory_mb,
        available_mb=available_mb,
        memory_limit="cgroup" if limited else "machine",
        swap_mb=swap_mb,
        accelerator=read_accelerator(root),
        temperature_c=read_temperature(root),
    )


def read_board(root: Path = ROOT) -> str:
    """From the device tree (ARM boards), else from the firmware tables of a PC."""
    if model := _text(root / "proc/device-tree/model").strip("\0 \n"):
        return model
    names = [_text(root / "sys/class/dmi/id" / name) for name in ("sys_vendor", "product_name")]
    return " ".join(name.strip() for name in names if name.strip())


def read_features(cpuinfo: str) -> frozenset[str]:
    """Extensions every processor has: on chips with two kinds of cores they differ."""
    lists = re.findall(r"^(?:flags|Features)\s*:(.*)$", cpuinfo, flags=re.MULTILINE)
    sets = [frozenset(line.split()) for line in lists]
    return frozenset.intersection(*sets) if sets else frozenset()


def read_cpu(cpuinfo: str) -> str:
    """Name of the processor; ARM kernels give only the numbers of its cores."""
    if name := _first(cpuinfo, "model name"):
        return name
    parts = dict.fromkeys(re.findall(r"^CPU part\s*:\s*(0x[0-9a-f]+)", cpuinfo, re.MULTILINE))
    return " + ".join(ARM_CORES.get(part, f"ARM part {part}") for part in parts)


def read_memory(root: Path = ROOT) -> tuple[int, int, int]:
    """Total, available and swap, in MiB; 0 where unknown."""
    found = dict(re.findall(r"^(\w+):\s+(\d+) kB", _text(root / "proc/meminfo"), re.MULTILINE))
    total = int(found.get("MemTotal", 0)) // 1024
    # Kernels before 3.14 know no MemAvailable; free memory and the page cache come near it.
    near = int(found.get("MemFree", 0)) + int(found.get("Cached", 0))
    available = int(found.get("MemAvailable", near)) // 1024
    return total, available, int(found.get("SwapTotal", 0)) // 1024


def read_temperature(root: Path = ROOT) -> float | None:
    """Degrees Celsius of the hottest thermal zone; None when there is none."""
    found = []
    for path in root.glob("sys/class/thermal/thermal_zone*/temp"):
        text = _text(path).strip()
        if re.fullmatch(r"-?\d{1,7}", text):
            found.append(int(text) / 1000)
    # A zone that is switched off reads -256 or 0 degrees on several boards.
    return max((celsius for celsius in found if 0 < celsius < 150), default=None)


def read_accelerator(root: Path = ROOT, nvidia_smi: Callable[[], str] = str) -> Accelerator | None:
    """The graphics processor of a Jetson, or an NVIDIA card.

    ``nvidia_smi`` is asked for the card's memory, which no file tells; it is left out by default
    because it takes up to a second.
    """
    if any(root.glob("dev/nvhost*")) or (root / "etc/nv_tegra_release").exists():
        return Accelerator("tegra", read_board(root) or "NVIDIA Tegra", None)
    if not any(root.glob("dev/nvidia[0-9]*")):
        return None
    name, _, memory = nvidia_smi().partition(",")
    if not name:
        known = (_text(path) for path in root.glob("proc/driver/nvidia/gpus/*/information"))
        name = next((_first(text, "Model") for text in known), "")
    return Accelerator(
        "cuda", name.strip() or "NVIDIA", int(memory) if memory.strip().isdigit() else None
    )


def ask_nvidia_smi() -> str:
    """First card as ``name, MiB``; empty when the driver does not answer."""
    command = ["nvidia-smi", "--query-gpu=name,memory.total", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=10, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return ""
    return done.stdout.splitlines()[0] if done.returncode == 0 and done.stdout else ""


def _allowed_cores(root: Path, cpuinfo: str) -> int:
    listed = len(re.findall(r"^processor\s*:", cpuinfo, re.MULTILINE))
    if root == ROOT:
        listed = len(os.sched_getaffinity(0))
    quota = cgroup.cpu_quota(root)
    return max(1, min(listed or 1, quota or listed or 1))


def _physical_cores(cpuinfo: str) -> int:
    """Distinct (socket, core) pairs; 0 where the kernel does not list them (ARM has no SMT)."""
    cores = set()
    for block in cpuinfo.split("\n\n"):
        socket, core = _first(block, "physical id"), _first(block, "core id")
        if core:
            cores.add((socket, core))
    return len(cores)


def _first(text: str, *names: str) -> str:
    for name in names:
        if found := re.search(rf"^{re.escape(name)}\s*:[ \t]*(.*)$", text, re.MULTILINE):
            return found.group(1).strip()
    return ""


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
