"""The limits a container or a systemd unit puts on this process (cgroup v2 and v1)."""

from __future__ import annotations

import math
from pathlib import Path

MIB = 1 << 20
_UNLIMITED = 1 << 60
"""Version 1 writes "no limit" as a number just below 2**63."""


def memory_limit(root: Path) -> tuple[int | None, int | None]:
    """The limit and what is left of it, in MiB; (None, None) without one.

    The tightest limit counts, from the group of the process up to the root.
    """
    tightest: tuple[int | None, int | None] = (None, None)
    for folder in _folders(root, "memory"):
        limit = _number(folder / "memory.max") or _number(folder / "memory.limit_in_bytes")
        if limit is None or limit >= _UNLIMITED:
            continue
        used = _number(folder / "memory.current") or _number(folder / "memory.usage_in_bytes") or 0
        used -= min(used, _reclaimable(folder))
        if tightest[0] is None or limit // MIB < tightest[0]:
            tightest = (limit // MIB, max(0, limit - used) // MIB)
    return tightest


def cpu_quota(root: Path) -> int | None:
    """Processors the quota is worth, rounded up; None without one."""
    found = []
    for folder in _folders(root, "cpu"):
        words = _read(folder / "cpu.max").split()
        if not words:
            words = [_read(folder / f"cpu.cfs_{name}_us").strip() for name in ("quota", "period")]
        if len(words) == 2 and words[0].isdigit() and words[1].isdigit() and int(words[1]):
            found.append(max(1, math.ceil(int(words[0]) / int(words[1]))))
    return min(found, default=None)


def _folders(root: Path, controller: str) -> list[Path]:
    """The directories of our group and of all groups around it, innermost first."""
    folders = []
    for line in _read(root / "proc/self/cgroup").splitlines():
        number, _, rest = line.partition(":")
        names, _, group = rest.partition(":")
        if number != "0" and controller not in names.split(","):
            continue
        mount = root / "sys/fs/cgroup"
        if number != "0":
            mount = mount / controller
        # Inside a container the path is the host's and may lead nowhere; the mount itself counts.
        inner = mount / group.lstrip("/")
        while inner != mount and mount in inner.parents and ".." not in inner.parts:
            folders.append(inner)
            inner = inner.parent
        folders.append(mount)
    return folders


def _reclaimable(folder: Path) -> int:
    """Bytes of page cache the kernel gives back before it kills."""
    for line in _read(folder / "memory.stat").splitlines():
        name, _, value = line.partition(" ")
        if name in ("inactive_file", "total_inactive_file") and value.isdigit():
            return int(value)
    return 0


def _number(path: Path) -> int | None:
    text = _read(path).strip()
    return int(text) if text.isdigit() else None


def _read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        return ""
