"""A disk image that needs no network at its first boot, made from an image somebody has.

Nothing is mounted: the root partition is cut out, grown, filled by ``debugfs`` and put back; files
for the boot partition go in by ``mtools``. So it needs neither root nor a loop device.
"""

from __future__ import annotations

import io
import json
import os
import re
import shutil
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import IO

from edgebot.core.errors import FlashError
from edgebot.deploy.board import packages, packing, store, trust, units
from edgebot.deploy.board.data import lay_settings
from edgebot.deploy.board.durable import point, write
from edgebot.deploy.board.history import History
from edgebot.deploy.board.layout import Layout
from edgebot.deploy.board.manifest import Manifest, read
from edgebot.deploy.bundle_file import BundleReader
from edgebot.deploy.image_partitions import Partition, grow, read_table
from edgebot.deploy.image_root import Root
from edgebot.deploy.image_wishes import Wishes, settle

SPARE_BYTES = 256 << 20
"""Room that stays on the root partition beside what is put there; the first boot grows it."""

CHUNK = 1 << 20
Say = Callable[[str], None]


def make_image(
    base: Path, out: Path, bundle: Path, keys: list[bytes], wishes: Wishes, say: Say
) -> Manifest:
    """Write ``out``: ``base`` with the release of ``bundle`` in force.

    Raises :class:`FlashError`, ``BundleError`` and ``UsageError``; ``out`` is whole or not there.
    """
    wishes.check()
    half = out.with_name(f".{out.name}.half")
    with tempfile.TemporaryDirectory(prefix="edgebot-image-", dir=out.parent) as name:
        work = Path(name)
        try:
            say("unpacking the bundle")
            staging = work / "staging"
            manifest = stage(staging, bundle, keys)
            table = read_table(base)
            say("copying the image")
            _copy(base, half)
            needed = _bytes_of(staging) + SPARE_BYTES
            partition = grow(half, table, needed)
            file = work / "root.ext4"
            _cut(half, partition, file, table.root.size)
            root = Root(file)
            root.resize()
            _refuse_unfit(root, manifest)
            settle(staging, root, wishes)
            say(f"putting in release {manifest.release}")
            root.put(staging)
            root.check()
            _paste(file, half, partition)
            if table.boot is not None and wishes.ssh_key:
                _boot_file(half, table.boot, "ssh", b"")
            half.replace(out)
        finally:
            half.unlink(missing_ok=True)
    return manifest


def stage(staging: Path, bundle: Path, keys: list[bytes]) -> Manifest:
    """Lay the release out below ``staging`` as the board itself would; verified by its own code."""
    layout = Layout(staging)
    for folder in (layout.store, layout.releases, layout.incoming):
        folder.mkdir(parents=True)
    with BundleReader(bundle) as reader:
        for public in keys:
            trust.add(layout, public)
        manifest = read(reader.manifest_bytes)
        trust.verify(trust.keys(layout), reader.manifest_bytes, reader.signature, manifest.created)
        for sha256 in manifest.objects():
            with reader.stored(sha256) as content:
                raw = content.read()
            head = json.dumps({"sha256": sha256, "offset": 0, "length": len(raw)}).encode()
            store.receive(layout, manifest, io.BytesIO(head + b"\n" + raw))
        write(layout.manifest(manifest.release), reader.manifest_bytes)
        write(layout.signature(manifest.release), reader.signature)
    store.unpack(layout, manifest)
    lay_settings(layout, manifest)
    point(layout.current, f"releases/{manifest.release}")
    units.link(layout, manifest)
    units.make_user(layout, manifest)
    write(layout.program, packing.pack(packing.own_files()), 0o755)
    History(layout).note(floor=manifest.created)
    shutil.rmtree(layout.incoming)
    return manifest


def _refuse_unfit(root: Root, manifest: Manifest) -> None:
    python = [f"/usr/bin/python{manifest.python}"]
    if not any(root.read_kind(path) for path in python):
        raise FlashError(
            f"the image has no Python {manifest.python}; build the bundle for the image's own "
            "(`--python`)"
        )
    status = _text(root, "/var/lib/dpkg/status")
    there = set(re.findall(r"^Package: (\S+)$", status, re.M))
    suite = re.search(r"^VERSION_CODENAME=(\w+)", _text(root, "/etc/os-release"), re.M)
    brought = packages.brought(manifest, suite[1] if suite else "")
    missing = [
        name for name in manifest.system if name not in brought and not {name, f"{name}t64"} & there
    ]
    if missing and status:
        raise FlashError(
            f"the image lacks {', '.join(missing)}, and the first boot has no network; start it "
            f"once with a network, `sudo apt-get install {' '.join(missing)}`, and use that image"
        )


def _text(root: Root, path: str) -> str:
    for place in (path, f"/usr/lib{path.removeprefix('/etc')}"):  # where a link leads
        if content := root.read(place):
            return content.decode(errors="replace")
    return ""


def _bytes_of(tree: Path) -> int:
    """What the files take in blocks of 4 KiB, each hard link once, and their inodes."""
    looks = {p.lstat().st_ino: p.lstat().st_size for p in tree.rglob("*")}
    return sum(-(-size // 4096) * 4096 + 256 for size in looks.values())


def _copy(source: Path, target: Path) -> None:
    done = subprocess.run(["cp", "--sparse=always", "--", source, target], check=False)
    if done.returncode:
        raise FlashError(f"{source} cannot be copied to {target.parent}; is there room?")


def _cut(image: Path, partition: Partition, out: Path, size: int) -> None:
    with image.open("rb") as read_, out.open("wb") as written:
        read_.seek(partition.start)
        _sparse(read_, written, size)
        written.truncate(partition.size)


def _paste(file: Path, image: Path, partition: Partition) -> None:
    with file.open("rb") as read_, image.open("r+b") as written:
        written.seek(partition.start)
        size = min(partition.size, file.stat().st_size)  # the tools round down to whole blocks
        _sparse(read_, written, size, holes=False)
        os.fsync(written.fileno())


def _sparse(source: IO[bytes], target: IO[bytes], size: int, holes: bool = True) -> None:
    nothing = bytes(CHUNK)
    while size:
        block = source.read(min(CHUNK, size))
        if not block:
            raise FlashError("the image is cut off; fetch it anew")
        if holes and block == nothing[: len(block)]:
            target.seek(len(block), os.SEEK_CUR)
        else:
            target.write(block)
        size -= len(block)


def _boot_file(image: Path, boot: Partition, name: str, content: bytes) -> None:
    with tempfile.NamedTemporaryFile() as file:
        file.write(content)
        file.flush()
        try:
            subprocess.run(
                ["mcopy", "-o", "-i", f"{image}@@{boot.start}", file.name, f"::{name}"],
                check=True, capture_output=True, env={**os.environ, "MTOOLS_SKIP_CHECK": "1"},
            )  # fmt: skip
        except FileNotFoundError:
            raise FlashError("mcopy is not on this machine; install mtools") from None
        except subprocess.CalledProcessError as problem:
            raise FlashError(f"the boot partition cannot be written ({problem.stderr!r})") from None
