"""systemd's side of a release.

Units are links through ``current``, so that the switch of that one link switches them too. Those
of the guard are copies: they have to be there when a release is broken. What lies in a folder
``optional`` is for people to link themselves.
"""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

from .durable import point, remove, sync_folder, write
from .layout import Layout
from .manifest import Manifest

GUARD = ("edgebot-boot", "edgebot-failed", "edgebot-healthy")
_KINDS = (".service", ".timer", ".socket", ".path", ".target")
_THROUGH = "/opt/edgebot/current/"


def link(layout: Layout, manifest: Manifest) -> None:
    """Have systemd find the units of ``manifest``, at every boot."""
    folder = layout.release(manifest.release)
    for path, name in _units(manifest):
        target = layout.units / name
        target.parent.mkdir(parents=True, exist_ok=True)
        if name.startswith(GUARD):
            content = (folder / path).read_bytes()
            if target.is_symlink() or not target.is_file() or target.read_bytes() != content:
                write(target, content)
        else:
            _relink(target, _THROUGH + path)
        for wanting in _wanted_by((folder / path).read_text(encoding="utf-8")):
            wants = layout.units / f"{wanting}.wants"
            wants.mkdir(parents=True, exist_ok=True)
            _relink(wants / name, f"/etc/systemd/system/{name}")
            sync_folder(wants)
    if layout.units.is_dir():
        sync_folder(layout.units)
    reload(layout)


def make_user(layout: Layout, manifest: Manifest) -> None:
    """Make the user that the service runs as, where the release says how."""
    for entry in manifest.entries:
        if entry.kind == "unit" and "/sysusers.d/" in f"/{entry.path}":
            source = layout.release(manifest.release) / entry.path
            target = layout.root / "etc/sysusers.d" / Path(entry.path).name
            target.parent.mkdir(parents=True, exist_ok=True)
            write(target, source.read_bytes())
            if layout.whole_machine:
                subprocess.run(["systemd-sysusers", str(target)], check=False, capture_output=True)


def unlink(layout: Layout) -> None:
    """Remove everything that :func:`link` and :func:`make_user` have made."""
    if layout.units.is_dir():
        for path in [*layout.units.rglob("edgebot*"), *layout.units.glob("edgebot*.d/*")]:
            if path.is_symlink() or (path.is_file() and path.name.startswith(GUARD)):
                path.unlink()
        for dropins in layout.units.glob("edgebot*.d"):
            if not any(dropins.iterdir()):
                dropins.rmdir()
    remove(layout.root / "etc/sysusers.d/edgebot.conf")
    reload(layout)


def reload(layout: Layout) -> None:
    """Have systemd read its units again."""
    if layout.whole_machine:
        subprocess.run(["systemctl", "daemon-reload"], check=False, capture_output=True)


def _units(manifest: Manifest) -> Iterator[tuple[str, str]]:
    """Path in the release, and below ``/etc/systemd/system``."""
    for entry in manifest.entries:
        name = entry.path.partition("/")[2]
        inner, _, file = name.rpartition("/")
        dropin = inner.endswith(".d") and "/" not in inner and file.endswith(".conf")
        if inner == "sysusers.d":
            continue
        if entry.kind == "unit" and (dropin or (not inner and file.endswith(_KINDS))):
            yield entry.path, name


def _wanted_by(text: str) -> list[str]:
    return [name for line in re.findall(r"^WantedBy=(.*)$", text, re.M) for name in line.split()]


def _relink(target: Path, to: str) -> None:
    if not (target.is_symlink() and str(target.readlink()) == to):
        point(target, to)
