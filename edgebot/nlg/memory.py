"""Refuses a model that does not fit into memory, before it is loaded and with the figures."""

from __future__ import annotations

from pathlib import Path

import psutil

from edgebot.core.errors import OutOfMemory

MB = 1_000_000

_CGROUP = Path("sys/fs/cgroup")


def available_bytes(root: Path = Path("/")) -> int:
    """Memory this process may still take: the machine's, or its control group's if that is less."""
    free = int(psutil.virtual_memory().available)
    try:
        limit = (root / _CGROUP / "memory.max").read_text(encoding="ascii").strip()
        used = int((root / _CGROUP / "memory.current").read_text(encoding="ascii"))
        return min(free, max(int(limit) - used + _page_cache(root), 0))
    except (OSError, ValueError):  # no cgroup v2, or its limit is the word "max"
        return free


def _page_cache(root: Path) -> int:
    """Bytes of files the group has in memory: the kernel gives them back when asked."""
    stat = (root / _CGROUP / "memory.stat").read_text(encoding="ascii")
    entries = dict(line.split() for line in stat.splitlines())
    return int(entries.get("active_file", 0)) + int(entries.get("inactive_file", 0))


def require(
    needed_bytes: int, what: str, *, ceiling_bytes: int | None = None, available: int | None = None
) -> None:
    """Raise :class:`OutOfMemory` unless ``needed_bytes`` can be had.

    ``ceiling_bytes``: what the profile grants; ``available``: measured when absent.
    """
    if ceiling_bytes is not None and needed_bytes > ceiling_bytes:
        raise OutOfMemory(
            f"{what} needs about {needed_bytes // MB} MB and the profile grants "
            f"{ceiling_bytes // MB} MB; choose a smaller model or lower llm.context_tokens"
        )
    free = available_bytes() if available is None else available
    if needed_bytes > free:
        raise OutOfMemory(
            f"{what} needs about {needed_bytes // MB} MB and {free // MB} MB are free; "
            "choose a smaller model, lower llm.context_tokens or end other programs"
        )
