"""Settings and data in one file, and back: for moving to another board and for bad days.

A backup is a compressed tar: ``backup.json``, ``settings/…``, ``data/…``. Databases are copied by
SQLite itself, so it may be taken while the assistant runs.
"""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import sqlite3
import tarfile
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from edgebot import __version__
from edgebot.core.errors import StoreError, UsageError
from edgebot.deploy.board.data import copy_live
from edgebot.deploy.board.durable import sync_folder

FORMAT = 1
_HEAD = "backup.json"
_LARGEST = 64 << 30
_LEFT_OUT = (".lock", ".sock", ".pid", "-wal", "-shm")


@dataclass(frozen=True, slots=True)
class Places:
    """What is backed up."""

    data: Path
    settings: Path
    """A folder such as ``/etc/edgebot``."""


def back_up(places: Places, out: Path) -> int:
    """Write ``out``; how many files are in it. Raises ``UsageError`` and ``StoreError``."""
    if out.exists():
        raise UsageError(f"{out} is there already; name another file")
    half = out.with_name(f".{out.name}.half")
    with tempfile.TemporaryDirectory(prefix="edgebot-backup-") as name:
        copy = Path(name) / "data"
        try:
            copy_live(places.data, copy)
            files = [*_files(copy, "data"), *_files(places.settings, "settings")]
            if not files:
                raise UsageError(f"there is nothing to back up in {places.data}")
            head = {
                "format": FORMAT,
                "version": __version__,
                "created": int(time.time()),
                "files": {name: _digest(path) for name, path in files},
            }
            # Whoever has it has everybody's lists and memories.
            with os.fdopen(os.open(half, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600), "wb") as raw:
                with tarfile.open(fileobj=raw, mode="w:gz", compresslevel=6) as tar:
                    content = json.dumps(head, indent=1, sort_keys=True).encode()
                    info = tarfile.TarInfo(_HEAD)
                    info.size = len(content)
                    tar.addfile(info, io.BytesIO(content))
                    for member, path in files:
                        tar.add(path, member, recursive=False)
                raw.flush()
                os.fsync(raw.fileno())
            half.replace(out)
            sync_folder(out.parent)
        except (OSError, sqlite3.Error) as problem:
            raise StoreError(f"the backup cannot be written ({problem}); is there room?") from None
        finally:
            half.unlink(missing_ok=True)
    return len(files)


def restore(places: Places, file: Path) -> int:
    """Put what is in ``file`` in place of what is there; how many files.

    The whole backup is read and checked first; what was there is kept beside it as
    ``<folder>.before-restore``. Raises ``UsageError`` and ``StoreError``.
    """
    work = places.data.with_name(f".{places.data.name}.restore")
    shutil.rmtree(work, ignore_errors=True)
    try:
        work.mkdir(parents=True)
        count = _unpack(file, work)
        for name, place in (("data", places.data), ("settings", places.settings)):
            if (work / name).is_dir():
                _swap(work / name, place)
    except OSError as problem:
        raise StoreError(f"the backup cannot be restored ({problem}); is there room?") from None
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return count


def _unpack(file: Path, work: Path) -> int:
    try:
        with tarfile.open(file, "r:gz") as tar:
            first = tar.next()
            head = tar.extractfile(first) if first and first.name == _HEAD else None
            told = json.loads(head.read(1 << 26)) if head else {}
            expected = dict(told["files"])
            if told["format"] != FORMAT:
                raise UsageError(f"{file} was made by another edgebot; restore it with that one")
            found = {}
            while (member := tar.next()) is not None:
                found[member.name] = _extract(tar, member, work)
    except (tarfile.TarError, EOFError, ValueError, KeyError, TypeError, AttributeError) as problem:
        raise UsageError(f"{file} is no backup of edgebot, or a damaged one ({problem})") from None
    except OSError as problem:
        if isinstance(problem, FileNotFoundError) or "gzip" in str(problem).lower():
            raise UsageError(f"{file} is no backup of edgebot ({problem})") from None
        raise
    if found != expected:
        raise UsageError(f"{file} is damaged: it does not hold what it says; use another backup")
    return len(found)


def _extract(tar: tarfile.TarFile, member: tarfile.TarInfo, work: Path) -> str:
    path = PurePosixPath(member.name)
    inside = path.parts[:1] in (("data",), ("settings",)) and ".." not in path.parts
    if not member.isfile() or not inside or member.size > _LARGEST:
        raise UsageError(f"{member.name!r} has no place in a backup; nothing was restored")
    target = work / path
    target.parent.mkdir(parents=True, exist_ok=True)
    source = tar.extractfile(member)
    assert source is not None
    digest = hashlib.sha256()
    with target.open("wb") as out:
        while block := source.read(1 << 20):
            digest.update(block)
            out.write(block)
        out.flush()
        os.fchmod(out.fileno(), member.mode & 0o777)
        os.fsync(out.fileno())
    return digest.hexdigest()


def _swap(fresh: Path, place: Path) -> None:
    before = place.with_name(f"{place.name}.before-restore")
    shutil.rmtree(before, ignore_errors=True)
    place.parent.mkdir(parents=True, exist_ok=True)
    if place.is_dir():
        look = place.stat()
        for path in (fresh, *fresh.rglob("*")):
            os.chown(path, look.st_uid, look.st_gid)
        fresh.chmod(look.st_mode & 0o777)
        if place.stat().st_dev == place.parent.stat().st_dev:
            place.rename(before)
    if fresh.stat().st_dev == place.parent.stat().st_dev:
        fresh.rename(place)
    else:
        shutil.copytree(fresh, place, dirs_exist_ok=True)
    sync_folder(place.parent)


def _files(folder: Path, prefix: str) -> Iterator[tuple[str, Path]]:
    for path in sorted(folder.rglob("*")) if folder.is_dir() else ():
        if path.is_file() and not path.is_symlink() and not path.name.endswith(_LEFT_OUT):
            yield f"{prefix}/{path.relative_to(folder).as_posix()}", path


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
