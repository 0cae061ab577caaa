"""``models.lock`` of a release: the assistant may not write there, and would hash its models anew.

At each start, for seconds: so whoever has verified them notes how they looked then. The format is
that of ``edgebot/models/lock.py``.
"""

from __future__ import annotations

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .durable import write
from .layout import Layout
from .manifest import Manifest

VERSION = 1

Seen = Mapping[str, tuple[os.stat_result, int]]
"""SHA-256 → how the object looked just before it was hashed, and when that was (ns since 1970)."""


def place(layout: Layout, release: str) -> Path:
    """Where it lies."""
    return layout.release(release) / "models/models.lock"


def note(layout: Layout, manifest: Manifest, seen: Seen) -> None:
    """Write down what was seen of the models of ``manifest``."""
    models: dict[str, Any] = {}
    for entry in manifest.entries:
        _, _, inside = entry.path.partition("/")
        name, _, path = inside.partition("/")
        if entry.kind != "model" or entry.sha256 not in seen:
            continue
        look, hashed_ns = seen[entry.sha256]
        files = models.setdefault(name, {"files": {}})["files"]
        files[path] = {
            "sha256": entry.sha256,
            "size": look.st_size,
            "mtime_ns": look.st_mtime_ns,
            "ctime_ns": look.st_ctime_ns,
            "inode": look.st_ino,
            "hashed_ns": hashed_ns,
        }
    if models:
        content = json.dumps({"version": VERSION, "models": models}, indent=1, sort_keys=True)
        write(place(layout, manifest.release), (content + "\n").encode())
