"""Debian packages that a release brings for boards without a network.

Only names that are not there are installed; what is there is left as it is, whatever its version.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterable
from ctypes.util import find_library
from pathlib import Path

from .history import History
from .layout import Layout
from .manifest import Entry, Manifest
from .refusal import Interrupted

KIND = "package"
_OLD = "(t64)?$"
"""Debian 13 renamed what has a 64-bit time."""


def installed(package: str) -> bool:
    """Whether a Debian package is there; on other systems whether its library is."""
    if shutil.which("dpkg-query"):
        plain = re.sub(_OLD, "", package)
        for name in (plain, f"{plain}t64"):
            found = subprocess.run(
                ["dpkg-query", "-W", "-f", "${Status}", name],
                capture_output=True, text=True, check=False,
            )  # fmt: skip
            if "ok installed" in found.stdout:
                return True
        return False
    return find_library(re.sub(r"^lib|\d+(t64)?$", "", package)) is not None


def brought(manifest: Manifest, codename: str) -> dict[str, Entry]:
    """Name without ``t64`` → the package of ``manifest`` for Debian ``codename``."""
    found = {}
    for entry in manifest.entries:
        folder, _, file = entry.path.rpartition("/")
        if entry.kind == KIND and folder == f"debian/{codename}":
            found[re.sub(_OLD, "", file.partition("_")[0])] = entry
    return found


def codename(root: Path = Path("/")) -> str:
    """``bookworm`` …; empty where the system does not say."""
    try:
        text = (root / "etc/os-release").read_text(errors="replace")
    except OSError:
        return ""
    found = re.search(r'^VERSION_CODENAME="?([a-z]+)', text, re.M)
    return found[1] if found else ""


def lacking(names: Iterable[str], manifest: Manifest, release: str) -> list[str]:
    """Of ``names`` those that are neither on the board nor brought by ``manifest``."""
    ready = brought(manifest, release) if shutil.which("dpkg") else {}
    return [name for name in names if re.sub(_OLD, "", name) not in ready and not installed(name)]


def install(layout: Layout, manifest: Manifest) -> list[str]:
    """Install what ``manifest`` brings and the board lacks; its names. Raises :class:`Interrupted`.

    Below a folder nothing is installed: the machine around it is somebody else's.
    """
    if not layout.owns_machine or all(installed(name) for name in manifest.system):
        return []
    ready = brought(manifest, codename())
    missing = {name: entry for name, entry in ready.items() if not installed(name)}
    if not missing:
        return []
    folder = layout.release(manifest.release)
    files = [str(folder / entry.path) for entry in missing.values()]
    # The same library of another point release does: the board's own may be older or newer.
    said = ""
    for more in ([], ["--force-depends-version"]):
        done = subprocess.run(
            ["dpkg", *more, "--install", *files], stdin=subprocess.DEVNULL,
            capture_output=True, text=True, errors="replace", check=False,
            env={**os.environ, "DEBIAN_FRONTEND": "noninteractive", "LC_ALL": "C"},
        )  # fmt: skip
        if done.returncode == 0:
            names = [path.rpartition("/")[2].partition("_")[0] for path in files]
            history = History(layout)
            kept = history.facts.get("packages") or []
            history.note(packages=sorted({*kept, *names}))
            return names
        said = " / ".join(done.stderr.strip().splitlines()[-2:])[-300:]
    raise Interrupted(
        f"dpkg cannot install {', '.join(sorted(missing))} ({said}); `sudo dpkg --configure -a` "
        "and `sudo apt-get -f install` on the board mend it"
    )


def purge(layout: Layout) -> list[str]:
    """Remove what :func:`install` has installed, where nothing else needs it; their names."""
    names = [str(name) for name in History(layout).facts.get("packages") or []]
    if layout.owns_machine and names and shutil.which("dpkg"):
        # Those that something else needs are kept by dpkg itself.
        subprocess.run(["dpkg", "--purge", *names], check=False, capture_output=True)
    return names
