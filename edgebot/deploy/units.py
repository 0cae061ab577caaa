"""The drop-in for the service that follows from a profile; the units are static files."""

from __future__ import annotations

from edgebot.config.profiles import Profile

PROGRAM_MB = 192
"""Beside the models: reply buffers, the prompt's state, the dashboard (MiB)."""

MEMORY = """\
# What profile {profile} may take: its models' ceiling, and the program's own needs beside it.
# Above MemoryHigh the kernel takes pages back (weights are mapped files, so it can), above
# MemoryMax it ends the service before the board starts to swap itself to death.
[Service]
MemoryHigh={high}M
MemoryMax={most}M
MemorySwapMax={swap}M
TasksMax=128
"""


def memory_drop_in(profile: Profile) -> bytes:
    """``10-memory.conf`` for ``profile``."""
    high = profile.memory_ceiling_mb + PROGRAM_MB
    text = MEMORY.format(profile=profile.name, high=high, most=high * 5 // 4, swap=high // 2)
    return text.encode()
