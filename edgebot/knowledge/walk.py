"""Finding the files to import below the paths a person named."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path

from edgebot.knowledge.readers import format_of


@dataclass(slots=True)
class Found:
    """What lies below the named paths."""

    files: dict[str, Path] = field(default_factory=dict)
    """Source → file, in the order they were found."""

    roots: list[str] = field(default_factory=list)
    """Sources of the folders that were searched."""

    failed: dict[str, str] = field(default_factory=dict)
    """Source → why it could not be looked into."""

    skipped: int = 0
    """Files of kinds that cannot be read."""

    @property
    def total_bytes(self) -> int:
        """Size of all files together."""
        return sum(_size(path) for path in self.files.values())


def source_of(path: Path) -> str:
    """How ``path`` is written down: absolute, bytes that are no UTF-8 escaped."""
    absolute = os.path.abspath(path)  # noqa: PTH100 - resolve() would follow the link itself
    return os.fsencode(absolute).decode("utf-8", errors="backslashreplace")


def find(paths: Iterable[Path]) -> Found:
    """All readable files at or below ``paths``.

    Links are followed, each folder once however many links lead to it; hidden files and the
    ``README.md`` that describes a named folder are left out.
    """
    found = Found()
    for path in paths:
        if path.is_dir():
            found.roots.append(source_of(path))
            _walk(path, found)
        elif problem := _unreadable(path):
            found.failed[source_of(path)] = problem
        else:
            found.files[source_of(path)] = path
    return found


def _walk(root: Path, found: Found) -> None:
    seen: set[tuple[int, int]] = set()

    def failed(error: OSError) -> None:
        where = Path(error.filename or root)
        found.failed[source_of(where)] = f"cannot be listed ({error.strerror})"

    for folder, names, files in os.walk(root, followlinks=True, onerror=failed):
        try:
            status = os.stat(folder)  # noqa: PTH116 - plain strings from os.walk
        except OSError as error:
            failed(error)
            names.clear()
            continue
        if (status.st_dev, status.st_ino) in seen:
            names.clear()  # a link back to where we were
            continue
        seen.add((status.st_dev, status.st_ino))
        names[:] = sorted(name for name in names if not name.startswith("."))
        for name in sorted(files):
            path = Path(folder, name)
            if name.startswith(".") or (folder == str(root) and name.lower() == "readme.md"):
                continue
            if format_of(path) is None:
                found.skipped += 1
            elif problem := _unreadable(path):
                found.failed[source_of(path)] = problem
            else:
                found.files[source_of(path)] = path


def _unreadable(path: Path) -> str:
    try:
        status = path.stat()
    except FileNotFoundError:
        return "is a link to nothing" if path.is_symlink() else "is not there"
    except OSError as error:
        return f"cannot be read ({error.strerror})"
    return "" if stat.S_ISREG(status.st_mode) else "is no regular file"


def _size(path: Path) -> int:
    try:
        return path.stat().st_size
    except OSError:
        return 0
