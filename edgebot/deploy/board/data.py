"""Timers, memory, knowledge: they outlive releases and go back with them.

An update migrates a copy. The original is set aside whole and stays the way back until the new
release has proved itself at a boot.
"""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

from .durable import copy_tree, remove, sync_folder, write
from .layout import Layout
from .manifest import Manifest


def copy_live(source: Path, target: Path) -> None:
    """A copy of data that is in use: databases by SQLite's own backup, the rest as it lies."""
    remove(target)
    if not source.is_dir():
        target.mkdir(parents=True)
        return
    copy_tree(source, target)
    for file in target.rglob("*"):
        original = source / file.relative_to(target)
        if file.suffix not in (".db", ".sqlite", ".sqlite3") or not original.is_file():
            continue
        for tail in ("-wal", "-shm"):
            remove(file.with_name(file.name + tail))
        look = original.stat()
        remove(file)
        with (
            sqlite3.connect(f"file:{original}?mode=ro", uri=True) as read,
            sqlite3.connect(file) as written,
        ):
            read.backup(written)
        read.close()
        written.close()
        os.chown(file, look.st_uid, look.st_gid)


class Aside:
    """The data of before one update, below ``/var/lib/edgebot.kept/<update>``."""

    def __init__(self, layout: Layout, update: str) -> None:
        self._layout = layout
        self.folder = layout.kept / update
        self.staged = self.folder / "staged"
        self.data = self.folder / "data"
        self.newer = self.folder / "newer"

    def begin(self) -> int:
        """Copy the data; the service is stopped. Bytes written."""
        remove(self.folder)
        self._layout.kept.mkdir(parents=True, exist_ok=True)
        self._layout.kept.chmod(0o711)
        self.folder.mkdir(mode=0o711)
        written = 0
        if self._layout.data.is_dir():
            written = copy_tree(self._layout.data, self.staged)
        else:
            self.staged.mkdir()
        sync_folder(self.folder)
        sync_folder(self._layout.kept)
        return written

    def stage_again(self, older: Aside) -> None:
        """Take the data that ``older`` kept instead of a copy of today's."""
        remove(self.staged)
        copy_tree(older.data, self.staged)

    def swap(self) -> None:
        """The migrated copy takes the place of the data. Renames only: needs no space."""
        if self._layout.data.is_dir():
            self._layout.data.rename(self.data)
        self._layout.data.parent.mkdir(parents=True, exist_ok=True)
        self.staged.rename(self._layout.data)
        sync_folder(self.folder)
        sync_folder(self._layout.data.parent)

    def restore(self) -> None:
        """Data as it was; may be called again after it was broken off. Renames only."""
        if not self.data.is_dir():
            return
        if self._layout.data.is_dir():
            remove(self.newer)
            self._layout.data.rename(self.newer)
        self.data.rename(self._layout.data)
        sync_folder(self._layout.data.parent)
        sync_folder(self.folder)

    def drop(self) -> None:
        """The way back is no longer needed."""
        remove(self.folder)


def lay_settings(layout: Layout, manifest: Manifest) -> list[str]:
    """Copy the settings a release brings to where there are none yet; the names of the copies."""
    folder = layout.release(manifest.release)
    added = []
    for entry in manifest.entries:
        name = Path(entry.path).name
        if entry.kind == "settings" and not (layout.settings / name).exists():
            layout.settings.mkdir(parents=True, exist_ok=True)
            write(layout.settings / name, (folder / entry.path).read_bytes())
            added.append(name)
    return added
