"""Writing so that a power cut leaves the old or the new, never a piece of either."""

from __future__ import annotations

import errno
import json
import os
import shutil
import stat
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from .layout import Layout

BALLAST_BYTES = 256 * 1024
"""Kept in reserve, so that a full disk can still be told about."""

CHUNK = 1 << 20


def sync_folder(folder: Path) -> None:
    """Make the names in ``folder`` durable."""
    number = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(number)
    finally:
        os.close(number)


def write(path: Path, content: bytes, mode: int = 0o644) -> None:
    """Replace ``path`` by ``content``."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}.new")
    try:
        with temporary.open("wb") as file:
            file.write(content)
            file.flush()
            os.fchmod(file.fileno(), mode)
            os.fsync(file.fileno())
        temporary.replace(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise
    sync_folder(path.parent)


def write_json(layout: Layout, path: Path, content: Mapping[str, Any]) -> None:
    """The same for JSON; on a full disk the ballast is thrown off first."""
    raw = (json.dumps(content, indent=1, sort_keys=True) + "\n").encode()
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        write(path, raw)
    except OSError as problem:
        if problem.errno not in (errno.ENOSPC, errno.EDQUOT) or not layout.ballast.exists():
            raise
        layout.ballast.unlink()
        write(path, raw)


def lay_ballast(layout: Layout) -> None:
    """Take the reserve again, where there is room."""
    if layout.ballast.exists():
        return
    try:
        write(layout.ballast, os.urandom(BALLAST_BYTES), 0o600)
    except OSError:
        layout.ballast.unlink(missing_ok=True)


def remove(path: Path) -> None:
    """Remove a file or a folder if it is there."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


def point(link: Path, target: str) -> None:
    """Have ``link`` lead to ``target`` (relative), at once."""
    temporary = link.with_name(f".{link.name}.new")
    temporary.unlink(missing_ok=True)
    temporary.symlink_to(target)
    temporary.replace(link)
    sync_folder(link.parent)


def copy_tree(source: Path, target: Path) -> int:
    """Copy a folder with owners, modes and times, durably; the bytes written.

    Sockets, pipes and devices are left out.
    """
    total = 0
    target.mkdir(parents=True, exist_ok=True)
    for entry in sorted(os.scandir(source), key=lambda entry: entry.name):
        there = target / entry.name
        if entry.is_symlink():
            there.symlink_to(Path(entry.path).readlink())
        elif entry.is_dir():
            total += copy_tree(Path(entry.path), there)
        elif entry.is_file():
            total += _copy_file(Path(entry.path), there)
        else:
            continue
        look = entry.stat(follow_symlinks=False)
        os.chown(there, look.st_uid, look.st_gid, follow_symlinks=False)
    look = source.stat()
    os.chown(target, look.st_uid, look.st_gid)
    target.chmod(stat.S_IMODE(look.st_mode))
    sync_folder(target)
    return total


def _copy_file(source: Path, target: Path) -> int:
    with source.open("rb") as read, target.open("wb") as written:
        shutil.copyfileobj(read, written, CHUNK)
        written.flush()
        os.fsync(written.fileno())
        size = written.tell()
    shutil.copystat(source, target)
    return size


def tree_bytes(folder: Path) -> int:
    """Bytes of all files below ``folder``; 0 where there is none."""
    return sum(p.lstat().st_size for p in folder.rglob("*") if p.is_file() and not p.is_symlink())
