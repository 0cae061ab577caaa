"""Contents by their hash, and releases made of them."""

from __future__ import annotations

import errno
import hashlib
import json
import os
import time
import zlib
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import IO

from . import lockfile
from .durable import CHUNK, remove, sync_folder
from .layout import Layout
from .manifest import Entry, Manifest
from .refusal import Interrupted, Refused

_LONGEST_LINE = 4096

Advance = Callable[[int], None]


def missing(layout: Layout, manifest: Manifest) -> dict[str, int]:
    """Objects the board lacks → bytes of them that have come already."""
    lacking = {}
    for sha256, entry in manifest.objects().items():
        try:
            if layout.object(sha256).stat().st_size == entry.size:
                continue
        except OSError:
            pass
        part = layout.incoming / f"{sha256}.part"
        lacking[sha256] = part.stat().st_size if part.is_file() else 0
    return lacking


def bytes_needed(manifest: Manifest, lacking: dict[str, int]) -> int:
    """Bytes of disk that the lacking objects will take, while they come included."""
    objects = manifest.objects()
    largest = max((objects[sha256].size for sha256 in lacking), default=0)
    return sum(objects[sha256].size for sha256 in lacking) + largest


def receive(layout: Layout, manifest: Manifest, stream: IO[bytes]) -> int:
    """Take objects from ``stream``; how many became whole.

    Each is a line of JSON (``sha256``, ``offset``, ``length``) and so many bytes, as stored in
    the bundle. What breaks off stays as a part and is gone on with the next time.
    """
    objects, whole = manifest.objects(), 0
    layout.incoming.mkdir(parents=True, exist_ok=True)
    while line := stream.readline(_LONGEST_LINE):
        head = json.loads(line)
        entry = objects.get(head["sha256"])
        if entry is None:
            raise Refused("transfer", "an object was sent that is not in the manifest; flash again")
        part = layout.incoming / f"{entry.sha256}.part"
        _append(part, int(head["offset"]), int(head["length"]), stream)
        _take_in(layout, entry, part)
        whole += 1
    os.sync()
    return whole


def _append(part: Path, offset: int, length: int, stream: IO[bytes]) -> None:
    with part.open("ab") as file:
        if file.tell() != offset:
            file.truncate(0)
            if offset:
                raise Refused("transfer", "the transfer does not go on where it stopped; again")
        while length:
            block = stream.read(min(CHUNK, length))
            if not block:
                raise Refused(
                    "transfer", "the transfer broke off; flash again, it goes on where it stopped"
                )
            file.write(block)
            length -= len(block)


def _take_in(layout: Layout, entry: Entry, part: Path) -> None:
    """Check a whole part and move its content into the store."""
    target = layout.object(entry.sha256)
    target.parent.mkdir(parents=True, exist_ok=True)
    fresh = part.with_suffix(".new")
    digest, size = hashlib.sha256(), 0
    try:
        with part.open("rb") as packed, fresh.open("wb") as content:
            for block in _unpacked(packed, entry.stored):
                size += len(block)
                if size > entry.size:
                    break
                digest.update(block)
                content.write(block)
            os.fchmod(content.fileno(), 0o555 if entry.executable else 0o444)
        if digest.hexdigest() != entry.sha256 or size != entry.size:
            remove(part)
            raise Refused(
                "hash",
                f"{entry.path} is not what the manifest promises (its hash is another one); "
                "copy the bundle anew and flash again",
            )
        fresh.replace(target)
        remove(part)
    finally:
        remove(fresh)


def _unpacked(file: IO[bytes], stored: str) -> Iterator[bytes]:
    unpacker = zlib.decompressobj()
    while block := file.read(CHUNK):
        if stored == "plain":
            yield block
            continue
        while block and not unpacker.eof:
            try:
                content = unpacker.decompress(block, CHUNK)
            except zlib.error:
                return  # the hash will tell
            block = unpacker.unconsumed_tail
            if content:
                yield content
    if rest := unpacker.flush():
        yield rest


def unpack(layout: Layout, manifest: Manifest) -> None:
    """Make the folder of a release: files linked from the store, models by symbolic links.

    One that is there already may be in force: only what is not right in it is replaced.
    """
    if layout.release(manifest.release).is_dir():
        _mend(layout, manifest)
        return
    staging = layout.releases / f".{manifest.release}.partial"
    remove(staging)
    folders = {staging}
    for entry in manifest.entries:
        target = staging / entry.path
        if target.parent not in folders:
            target.parent.mkdir(parents=True, exist_ok=True)
            folders.update(p for p in target.parents if p.is_relative_to(staging))
        _place(layout, manifest, entry, target)
    for folder in folders:
        sync_folder(folder)
    staging.rename(layout.release(manifest.release))
    sync_folder(layout.releases)


def _mend(layout: Layout, manifest: Manifest) -> None:
    for entry in manifest.entries:
        target = layout.release(manifest.release) / entry.path
        try:
            if target.samefile(layout.object(entry.sha256)):
                continue
        except OSError:
            pass
        target.parent.mkdir(parents=True, exist_ok=True)
        fresh = target.with_name(f".{target.name}.new")
        remove(fresh)
        _place(layout, manifest, entry, fresh)
        fresh.replace(target)
        sync_folder(target.parent)


def _place(layout: Layout, manifest: Manifest, entry: Entry, target: Path) -> None:
    content = layout.object(entry.sha256)
    if entry.kind == "model":  # a second name would make the file look changed to models.lock
        final = layout.release(manifest.release) / entry.path
        target.symlink_to(os.path.relpath(content, final.parent))
    else:
        _link(content, target, entry.executable)


def _link(content: Path, target: Path, executable: bool) -> None:
    try:
        if bool(content.stat().st_mode & 0o111) == executable:
            os.link(content, target)
            return
    except OSError as problem:
        if problem.errno not in (errno.EXDEV, errno.EPERM, errno.EMLINK):
            raise
    with content.open("rb") as source, target.open("wb") as copy:
        while block := source.read(CHUNK):
            copy.write(block)
        os.fchmod(copy.fileno(), 0o555 if executable else 0o444)
        os.fsync(copy.fileno())


def verify(layout: Layout, manifest: Manifest, advance: Advance = lambda done: None) -> None:
    """Read every file of an unpacked release and check its hash; a wrong object is dropped.

    What was seen of the models is noted for the assistant.
    """
    done = 0
    right: dict[str, tuple[os.stat_result, int]] = {}
    folder = layout.release(manifest.release)
    for entry in manifest.entries:
        path = folder / entry.path
        try:
            if (
                entry.sha256 in right
                and path.stat().st_ino == layout.object(entry.sha256).stat().st_ino
            ):
                continue
            looks, began_ns = path.stat(), time.time_ns()
            found = _digest(path)
        except OSError as problem:
            raise Interrupted(f"{entry.path} cannot be read ({problem.strerror})") from None
        if found != entry.sha256:
            remove(layout.object(entry.sha256))
            raise Interrupted(
                f"{entry.path} has another hash on the board than in the manifest; "
                "flash again, it is sent anew (and look after the SD card if it happens again)"
            )
        right[entry.sha256] = (looks, began_ns)
        done += entry.size
        advance(done)
    lockfile.note(layout, manifest, right)


def _digest(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def prune(layout: Layout, keep: set[str], manifests: list[Manifest]) -> int:
    """Remove all releases but ``keep`` and all objects none of ``manifests`` names; bytes freed."""
    for release in layout.whole_releases():
        if release not in keep:
            remove(layout.manifest(release))
            remove(layout.signature(release))
            remove(layout.release(release))
    for left in layout.releases.glob(".*.partial") if layout.releases.is_dir() else ():
        remove(left)
    wanted = {sha256 for manifest in manifests for sha256 in manifest.objects()}
    freed = 0
    for path in layout.store.glob("??/*"):
        if path.name not in wanted:
            freed += path.stat().st_size
            path.unlink()
    for part in layout.incoming.glob("*") if layout.incoming.is_dir() else ():
        freed += part.stat().st_size
        part.unlink()
    return freed
