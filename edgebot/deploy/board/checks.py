"""Whether a release can run on this board at all: asked before anything is sent."""

from __future__ import annotations

import os
import platform
import re
import shutil
import subprocess
import sys
import time
from ctypes.util import find_library
from dataclasses import dataclass, field
from pathlib import Path

from . import packages
from .layout import Layout
from .manifest import Manifest
from .refusal import Refused

CLOCK_SLACK_S = 86_400
SPARE_BYTES = 32 << 20
"""Has to stay free."""


@dataclass(frozen=True, slots=True)
class Board:
    """What was found."""

    arch: str
    glibc: str
    cpu: frozenset[str]
    pythons: dict[str, str] = field(default_factory=dict)
    """Minor version → interpreter."""

    now: float = 0.0
    alsa: bool = True
    codename: str = ""
    """Of its Debian; empty for other systems."""


def look() -> Board:
    """Look at this board."""
    text = _text(Path("/proc/cpuinfo"))
    lists = re.findall(r"^(?:flags|Features)\s*:(.*)$", text, flags=re.MULTILINE)
    sets = [frozenset(line.split()) for line in lists]
    return Board(
        arch=platform.machine(),
        glibc=(os.confstr("CS_GNU_LIBC_VERSION") or "").rpartition(" ")[2],
        cpu=frozenset.intersection(*sets) if sets else frozenset(),
        pythons=_pythons(),
        now=time.time(),
        alsa=find_library("asound") is not None,
        codename=packages.codename(),
    )


def check(layout: Layout, manifest: Manifest, board: Board) -> None:
    """Raise :class:`Refused` with the first reason why ``manifest`` does not fit ``board``."""
    if manifest.created > board.now + CLOCK_SLACK_S:
        found = time.strftime("%Y-%m-%d %H:%M", time.gmtime(board.now))
        raise Refused(
            "clock",
            f"the board's clock says {found} UTC, which is before the bundle was made; set it "
            "(`sudo timedatectl set-ntp true`, or `sudo date -s …`) and flash again",
        )
    if manifest.arch != board.arch:
        raise Refused(
            "arch",
            f"the bundle is for {manifest.arch} and this board is {board.arch}; "
            f"build one with a profile of {board.arch}",
        )
    if manifest.python not in board.pythons:
        found = ", ".join(sorted(board.pythons)) or "none"
        raise Refused(
            "python",
            f"the bundle needs Python {manifest.python} and the board has {found}; "
            f"build the bundle with `--python {max(board.pythons, default='3.11')}`",
        )
    if _version(board.glibc) < _version(manifest.glibc):
        raise Refused(
            "glibc",
            f"the bundle needs glibc {manifest.glibc} and the board has {board.glibc}; "
            "install a newer system (Debian 12 or later)",
        )
    if missing := [name for name in manifest.cpu if name not in board.cpu]:
        raise Refused(
            "cpu",
            f"the bundle is for another board ({manifest.profile}): its processor has "
            f"{', '.join(missing)} and this one has not; flash with the board's own profile",
        )
    if not board.alsa and "libasound2" not in packages.brought(manifest, board.codename):
        raise Refused(
            "alsa",
            "the sound library ALSA is missing on the board: `sudo apt-get install libasound2`",
        )
    if missing := packages.lacking(manifest.system, manifest, board.codename):
        raise Refused(
            "packages",
            f"the board lacks {', '.join(missing)}: `sudo apt-get install {' '.join(missing)}`",
        )


def check_space(layout: Layout, needed: int) -> None:
    """Raise :class:`Refused` unless ``needed`` bytes and a reserve are free."""
    free = shutil.disk_usage(layout.home if layout.home.exists() else layout.root).free
    if free < needed + SPARE_BYTES:
        raise Refused(
            "space",
            f"the update needs {_mb(needed + SPARE_BYTES)} and the board has {_mb(free)} free; "
            "make room (`edgebot flash HOST --prune` removes old releases)",
        )


def _pythons() -> dict[str, str]:
    found = {f"{sys.version_info[0]}.{sys.version_info[1]}": sys.executable}
    for minor in range(11, 20):
        path = shutil.which(f"python3.{minor}")
        if path and f"3.{minor}" not in found and _works(path):
            found[f"3.{minor}"] = path
    return found


def _works(python: str) -> bool:
    """Whether it is more than a name: version switchers leave programs that only complain."""
    return subprocess.run([python, "-c", ""], check=False, capture_output=True).returncode == 0


def _version(text: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", text)[:3])


def _mb(count: int) -> str:
    return f"{count / 1e6:.0f} MB"


def _text(path: Path) -> str:
    try:
        return path.read_text(errors="replace")
    except OSError:
        return ""
