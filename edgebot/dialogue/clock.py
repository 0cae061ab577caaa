"""Two clocks: the wall's, which people set and which jumps, and the machine's, which only runs."""

from __future__ import annotations

import os
import time
from datetime import UTC, datetime, tzinfo
from pathlib import Path
from typing import Protocol
from zoneinfo import ZoneInfo

_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_ZONES = "zoneinfo/"


class Clock(Protocol):
    """What time it is."""

    zone: tzinfo
    """The time zone the person lives in."""

    boot_id: str
    """Names the current boot of the machine: :meth:`boot_s` compares within one only."""

    def utc(self) -> datetime:
        """Wall time in UTC; may jump either way."""

    def boot_s(self) -> float:
        """Seconds since the machine started, sleep included; never jumps."""


class SystemClock:
    """The clocks of this machine."""

    def __init__(self, zone: str | None = None) -> None:
        self.zone: tzinfo = ZoneInfo(zone) if zone else system_zone()
        self.boot_id = _boot_id()

    def utc(self) -> datetime:
        """Wall time in UTC."""
        return datetime.now(UTC)

    def boot_s(self) -> float:
        """Seconds since boot, by ``CLOCK_BOOTTIME`` where there is one."""
        return time.clock_gettime(getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC))


def system_zone(root: Path = Path("/")) -> tzinfo:
    """The machine's time zone with its daylight-saving rules; UTC when it cannot be told."""
    named = os.environ.get("TZ", "").lstrip(":")
    link = root / "etc/localtime"
    file = root / "etc/timezone"
    target = str(link.readlink()) if link.is_symlink() else ""
    written = file.read_text(encoding="ascii", errors="replace").strip() if file.is_file() else ""
    for name in (named, target.partition(_ZONES)[2], written):
        if name:
            try:
                return ZoneInfo(name)
            except (OSError, ValueError):
                continue
    try:
        with link.open("rb") as rules:
            return ZoneInfo.from_file(rules)
    except (OSError, ValueError):
        return UTC


def zone_name(zone: tzinfo) -> str:
    """The IANA name of ``zone``, empty when it has none."""
    return getattr(zone, "key", None) or ("UTC" if zone is UTC else "")


def _boot_id() -> str:
    try:
        return _BOOT_ID.read_text(encoding="ascii").strip()
    except OSError:
        return f"unknown-{os.getpid()}"
