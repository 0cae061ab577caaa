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
from dataclasses import dataclass
from pathlib import Path
from typing import IO

from edgebot.core.errors import FlashError, UsageError
from edgebot.deploy.board import packing, store, trust, units
from edgebot.deploy.board.data import lay_settings
from edgebot.deploy.board.durable import point, write
from edgebot.deploy.board.history import History
from edgebot.deploy.board.layout import Layout
from edgebot.deploy.board.manifest import Manifest, read
from edgebot.deploy.bundle_file import BundleReader
from edgebot.deploy.image_partitions import Partition, grow, read_table
from edgebot.deploy.image_root import Root

SPARE_BYTES = 256 << 20
"""Room that stays on the root partition beside what is put there; the first boot grows it."""

CHUNK = 1 << 20
_HOST = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")
Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the owner of the board wants on it."""

    hostname: str = ""
    ssh_key: str = ""
    """One line of a public key file."""

    wifi: str = ""
    wifi_password: str = ""
    country: str = ""
    """Two letters; the radio keeps to its rules."""

    time_zone: str = ""
    user: str = "root"
    """Whose ``authorized_keys`` the key goes to."""

    def check(self) -> None:
        """Raise ``UsageError`` for what no board can take."""
        if self.hostname and not _HOST.fullmatch(self.hostname):
            raise UsageError(f"{self.hostname!r} is no host name; letters, digits and hyphens")
        if self.ssh_key and not re.match(r"(ssh|ecdsa|sk-)[\w@.-]+ [A-Za-z0-9+/=]+", self.ssh_key):
            raise UsageError("the ssh key is no public key; name the file that ends in .pub")
        if self.wifi and not 8 <= len(self.wifi_password) <= 63:
            raise UsageError("a Wi-Fi password has 8 to 63 characters")
        if "\n" in self.wifi + self.wifi_password:
            raise UsageError("neither a network's name nor its password has two lines")
        if self.country and not re.fullmatch("[A-Z]{2}", self.country):
            raise UsageError(f"{self.country!r} is no country; two letters, such as DE")


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


def settle(staging: Path, root: Root, wishes: Wishes) -> None:
    """Write the owner's wishes and the service's user below ``staging``."""

    def file(path: str, text: str, mode: int = 0o644) -> None:
        place = staging / path
        place.parent.mkdir(parents=True, exist_ok=True)
        place.write_text(text)
        place.chmod(mode)

    _user(root, file)
    if wishes.hostname:
        file("etc/hostname", wishes.hostname + "\n")
        hosts = (root.read("/etc/hosts") or b"127.0.0.1 localhost\n").decode()
        kept = [line for line in hosts.splitlines() if not line.startswith("127.0.1.1")]
        file("etc/hosts", "\n".join([*kept, f"127.0.1.1 {wishes.hostname}"]) + "\n")
    if wishes.time_zone:
        zone = f"/usr/share/zoneinfo/{wishes.time_zone}"
        if ".." in wishes.time_zone or root.read_kind(zone) not in ("regular", "symlink"):
            raise UsageError(f"the image knows no time zone {wishes.time_zone!r}")
        file("etc/timezone", wishes.time_zone + "\n")
        (staging / "etc/localtime").symlink_to(zone)
    if wishes.wifi:
        file(
            "etc/NetworkManager/system-connections/edgebot-wifi.nmconnection",
            "[connection]\nid=edgebot-wifi\ntype=wifi\n\n"
            f"[wifi]\nmode=infrastructure\nssid={wishes.wifi}\n\n"
            f"[wifi-security]\nkey-mgmt=wpa-psk\npsk={wishes.wifi_password}\n\n"
            "[ipv4]\nmethod=auto\n\n[ipv6]\nmethod=auto\n",
            0o600,
        )
    if wishes.country:
        rule = f"options cfg80211 ieee80211_regdom={wishes.country}\n"
        file("etc/modprobe.d/edgebot-wifi.conf", rule)
    if wishes.ssh_key:
        _ssh_key(staging, root, wishes, file)


def _ssh_key(staging: Path, root: Root, wishes: Wishes, file: Callable[..., None]) -> None:
    users = {line.partition(":")[0] for line in _lines(root, "/etc/passwd")}
    if wishes.user not in users:
        raise UsageError(f"the image has no user {wishes.user!r}; name another one (--user)")
    # Keys in /etc work for every user, whoever owns the home, and survive its being made later.
    file(f"etc/ssh/authorized_keys.d/{wishes.user}", wishes.ssh_key.strip() + "\n")
    file(
        "etc/ssh/sshd_config.d/50-edgebot.conf",
        "AuthorizedKeysFile .ssh/authorized_keys /etc/ssh/authorized_keys.d/%u\n",
    )
    wants = staging / "etc/systemd/system/multi-user.target.wants/ssh.service"
    wants.parent.mkdir(parents=True, exist_ok=True)
    wants.symlink_to("/lib/systemd/system/ssh.service")


def _user(root: Root, file: Callable[..., None]) -> None:
    """The user of the service: systemd-sysusers does not run at every first boot."""
    passwd, group = _lines(root, "/etc/passwd"), _lines(root, "/etc/group")
    if not passwd or any(line.startswith("edgebot:") for line in passwd):
        return
    taken = {int(line.split(":")[2]) for line in (*passwd, *group) if line.count(":") > 2}
    number = next(n for n in range(989, 200, -1) if n not in taken)
    fields = ("edgebot", "!", number, number, "edgebot voice assistant", "/var/lib/edgebot")
    passwd.append(":".join(map(str, (*fields, "/usr/sbin/nologin"))))
    group = [
        f"{line}{'' if line.endswith(':') else ','}edgebot" if line.startswith("audio:") else line
        for line in group
    ]
    group.append(f"edgebot:x:{number}:")
    file("etc/passwd", "\n".join(passwd) + "\n")
    file("etc/group", "\n".join(group) + "\n")


def _refuse_unfit(root: Root, manifest: Manifest) -> None:
    python = [f"/usr/bin/python{manifest.python}"]
    if not any(root.read_kind(path) for path in python):
        raise FlashError(
            f"the image has no Python {manifest.python}; build the bundle for the image's own "
            "(`--python`)"
        )
    status = (root.read("/var/lib/dpkg/status") or b"").decode(errors="replace")
    there = set(re.findall(r"^Package: (\S+)$", status, re.M))
    missing = [name for name in manifest.system if not {name, f"{name}t64"} & there]
    if missing and status:
        raise FlashError(
            f"the image lacks {', '.join(missing)}, and the first boot has no network; start it "
            f"once with a network, `sudo apt-get install {' '.join(missing)}`, and use that image"
        )


def _lines(root: Root, path: str) -> list[str]:
    return (root.read(path) or b"").decode(errors="replace").splitlines()


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
