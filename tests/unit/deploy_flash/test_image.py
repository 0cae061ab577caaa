"""Disk images made without root and without loop devices, and cards."""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import sys
import uuid
import zlib
from pathlib import Path

import pytest

from edgebot.core.errors import EdgebotError, FlashError, UsageError
from edgebot.deploy import disk as disks
from edgebot.deploy.bundle_file import write_bundle
from edgebot.deploy.image import make_image
from edgebot.deploy.image_partitions import read_table
from edgebot.deploy.image_root import Root
from edgebot.deploy.image_wishes import Wishes
from tests.unit.deploy_flash.little import Keys, Release, release

MB = 1 << 20
PYTHON = f"usr/bin/python3.{sys.version_info[1]}"
LINUX = uuid.UUID("0fc63daf-8483-4772-8e79-3d69d8477de4").bytes_le


def run(*words: str | Path) -> None:
    environ = {**os.environ, "PATH": f"{os.environ['PATH']}:/usr/sbin:/sbin"}
    subprocess.run(words, check=True, capture_output=True, env=environ)


@pytest.fixture
def parts(tmp_path: Path) -> tuple[Path, Path]:
    """A small Debian's root partition and a boot partition."""
    for program in ("mkfs.ext4", "debugfs", "mformat"):
        if not shutil.which(program, path=f"{os.environ['PATH']}:/usr/sbin"):
            pytest.skip(f"no {program} here")
    tree = tmp_path / "debian"
    for name, text in {
        "etc/passwd": "root:x:0:0:root:/root:/bin/sh\npi:x:1000:1000::/home/pi:/bin/sh\n",
        "etc/group": "root:x:0:\naudio:x:29:pi\n",
        "usr/lib/os-release": "ID=debian\nVERSION_CODENAME=bookworm\n",
        "etc/hosts": "127.0.0.1 localhost\n127.0.1.1 raspberrypi\n",
        "usr/share/zoneinfo/Europe/Berlin": "TZif",
        "var/lib/dpkg/status": "Package: libportaudio2\nStatus: install ok installed\n",
        PYTHON: "",
    }.items():
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        (tree / name).write_text(text)
    (tree / "etc/NetworkManager/system-connections").mkdir(parents=True, mode=0o700)
    root, boot = tmp_path / "root", tmp_path / "boot"
    run("mkfs.ext4", "-q", "-d", tree, root, "12m")
    boot.write_bytes(bytes(4 * MB))
    run("mformat", "-i", boot, "-N", "12345678", "::")
    return boot, root


def mbr(tmp_path: Path, boot: Path, root: Path) -> Path:
    image = tmp_path / "base.img"
    entries = b"".join(
        struct.pack("<B3sB3sII", 0, b"", kind, b"", start * MB // 512, size * MB // 512)
        for kind, start, size in ((0x0C, 1, 4), (0x83, 5, 12))
    )
    head = bytes(446) + entries + bytes(32) + b"\x55\xaa"
    image.write_bytes(head.ljust(MB, b"\0") + boot.read_bytes() + root.read_bytes())
    return image


def gpt(tmp_path: Path, root: Path) -> Path:
    image = tmp_path / "base.img"
    size = 14 * MB // 512
    entry = LINUX + uuid.UUID(int=7).bytes_le + struct.pack("<QQQ", 2048, 2048 + 12 * 2048 - 1, 0)
    entries = entry.ljust(128, b"\0").ljust(128 * 128, b"\0")
    fields = [
        b"EFI PART",
        b"\0\0\1\0",
        92,
        0,
        0,
        1,
        size - 1,
        34,
        size - 34,
        bytes(16),
        2,
        128,
        128,
    ]
    packing = struct.Struct("<8s4sIIIQQQQ16sQIII")
    fields.append(zlib.crc32(entries))
    fields[3] = zlib.crc32(packing.pack(*fields))
    protective = struct.pack("<B3sB3sII", 0, b"", 0xEE, b"", 1, size - 1)
    head = bytes(446) + protective + bytes(48) + b"\x55\xaa"
    head += packing.pack(*fields).ljust(512, b"\0") + entries
    image.write_bytes(head.ljust(MB, b"\0") + root.read_bytes() + bytes(MB))
    return image


@pytest.fixture
def one(keys: Keys) -> Release:
    key, _ = keys.pair("maker")
    return release(key, "first", system=("libportaudio2",))


@pytest.fixture
def bundle(tmp_path: Path, one: Release) -> Path:
    out = tmp_path / "first.bundle"
    write_bundle(out, one.manifest, one.signature, dict(one.objects))
    return out


def wishes(**more: str) -> Wishes:
    return Wishes(
        **{
            "hostname": "kitchen",
            "ssh_key": "ssh-ed25519 AAAAC3Nz me@home",
            "wifi": "Our home",
            "wifi_password": "a long secret",
            "country": "DE",
            "time_zone": "Europe/Berlin",
            "user": "pi",
        }
        | more
    )


def cut_root(image: Path, tmp_path: Path) -> tuple[Root, Path]:
    partition = read_table(image).root
    file = tmp_path / "result.ext4"
    with image.open("rb") as source:
        source.seek(partition.start)
        file.write_bytes(source.read(partition.size))
    run("e2fsck", "-f", "-n", file)  # whole, to the last link count
    return Root(file), file


@pytest.mark.parametrize("kind", ["mbr", "gpt"])
def test_an_image_boots_into_the_release(
    tmp_path: Path, parts: tuple[Path, Path], keys: Keys, one: Release, bundle: Path, kind: str
) -> None:
    boot, root = parts
    base = mbr(tmp_path, boot, root) if kind == "mbr" else gpt(tmp_path, root)
    before = base.read_bytes()
    out = tmp_path / "edgebot.img"
    make_image(base, out, bundle, [keys.pair("maker")[1]], wishes(), lambda text: None)
    assert base.read_bytes() == before
    table = read_table(out)
    assert table.kind == kind and table.root.size > 250 * MB
    found, file = cut_root(out, tmp_path)
    assert found.read_kind("/opt/edgebot/current") == "symlink"
    assert found.read(f"/opt/edgebot/releases/{one.id}/site/assistant.py") in one.objects.values()
    assert found.read_kind("/opt/edgebot/board.pyz") == "regular"
    assert (
        found.read_kind("/etc/systemd/system/multi-user.target.wants/edgebot.service") == "symlink"
    )
    assert found.read("/etc/edgebot/edgebot.yaml") == b"profile: x86\n"
    assert found.read("/etc/hostname") == b"kitchen\n"
    assert b"127.0.1.1 kitchen" in (found.read("/etc/hosts") or b"")
    assert b"raspberrypi" not in (found.read("/etc/hosts") or b"")
    secret = "/etc/NetworkManager/system-connections/edgebot-wifi.nmconnection"
    assert b"psk=a long secret" in (found.read(secret) or b"")
    assert b"DE" in (found.read("/etc/modprobe.d/edgebot-wifi.conf") or b"")
    assert found.read("/etc/ssh/authorized_keys.d/pi") == b"ssh-ed25519 AAAAC3Nz me@home\n"
    assert found.read("/etc/timezone") == b"Europe/Berlin\n"
    assert b"edgebot:!:989" in (found.read("/etc/passwd") or b"")
    assert b"audio:x:29:pi,edgebot" in (found.read("/etc/group") or b"")
    stat = subprocess.run(
        ["/usr/sbin/debugfs", "-R", f"stat {secret}", file], capture_output=True, text=True
    ).stdout
    assert "Mode:  0600" in stat and "User:     0" in stat
    if kind == "mbr":
        assert "ssh" in subprocess.run(
            ["mdir", "-b", "-i", f"{out}@@{table.boot.start if table.boot else 0}", "::"],
            capture_output=True, text=True, check=True,
        ).stdout  # fmt: skip


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"hostname": "not a name"}, "host name"),
        ({"ssh_key": "-----BEGIN OPENSSH PRIVATE KEY-----"}, "public key"),
        ({"wifi_password": "short"}, "8 to 63"),
        ({"country": "Germany"}, "two letters"),
        ({"time_zone": "Mars/Olympus"}, "no time zone"),
        ({"time_zone": "../../etc/passwd"}, "no time zone"),
        ({"user": "nobody-here"}, "--user"),
    ],
)
def test_wishes_that_no_board_can_take(
    tmp_path: Path, parts: tuple[Path, Path], keys: Keys, bundle: Path,
    change: dict[str, str], words: str,
) -> None:  # fmt: skip
    base, out = mbr(tmp_path, *parts), tmp_path / "edgebot.img"
    with pytest.raises(UsageError, match=words):
        make_image(base, out, bundle, [keys.pair("maker")[1]], wishes(**change), lambda text: None)
    assert not out.exists()
    assert not list(tmp_path.glob(".edgebot.img*"))


def test_images_that_are_none(tmp_path: Path, keys: Keys, bundle: Path) -> None:
    for content in (b"", b"x" * 1000, bytes(MB), bytes(510) + b"\x55\xaa" + bytes(MB)):
        base = tmp_path / "base.img"
        base.write_bytes(content)
        with pytest.raises(EdgebotError):
            make_image(base, tmp_path / "o", bundle, [keys.pair("maker")[1]], Wishes(), print)
        assert not (tmp_path / "o").exists()


def test_what_the_image_lacks_is_named(
    tmp_path: Path, parts: tuple[Path, Path], keys: Keys
) -> None:
    key, public = keys.pair("maker")
    base = mbr(tmp_path, *parts)
    for facts, words in (
        ({"system": ("libatomic1",)}, "apt-get install libatomic1"),
        ({"python": "3.13"}, "no Python 3.13"),
    ):
        one = release(key, "other", **facts)
        out = tmp_path / "other.bundle"
        write_bundle(out, one.manifest, one.signature, dict(one.objects))
        with pytest.raises(FlashError, match=words):
            make_image(base, tmp_path / "o", out, [public], Wishes(), lambda text: None)


def test_packages_may_come_with_the_release(
    tmp_path: Path, parts: tuple[Path, Path], keys: Keys
) -> None:
    """They are in the image, to be installed at its first boot."""
    key, public = keys.pair("maker")
    base, out = mbr(tmp_path, *parts), tmp_path / "result.img"
    for suite, fits in (("trixie", False), ("bookworm", True)):
        path = f"debian/{suite}/libatomic1_1_arm64.deb"
        one = release(key, suite, system=("libatomic1",), files={path: (b"deb", "package")})
        bundle = tmp_path / f"{suite}.bundle"
        write_bundle(bundle, one.manifest, one.signature, dict(one.objects))
        if not fits:
            with pytest.raises(FlashError, match="lacks libatomic1"):
                make_image(base, out, bundle, [public], Wishes(), lambda text: None)
            continue
        make_image(base, out, bundle, [public], Wishes(), lambda text: None)
        root, _ = cut_root(out, tmp_path)
        assert root.read(f"/opt/edgebot/releases/{one.id}/{path}") == b"deb"


# --- cards


def machine(tmp_path: Path, **files: str) -> Path:
    system = tmp_path / "machine"
    disk = system / "sys/devices/usb/block/sdx"
    for name, text in {
        "size": "4096",
        "ro": "0",
        "removable": "1",
        "device/vendor": "Generic ",
        "device/model": "SD Reader",
        "sdx1/partition": "1",
    }.items():
        (disk / name).parent.mkdir(parents=True, exist_ok=True)
        (disk / name).write_text(text)
    (system / "sys/class/block").mkdir(parents=True)
    (system / "sys/class/block/sdx").symlink_to(disk)
    (system / "sys/class/block/sdx1").symlink_to(disk / "sdx1")
    for name, text in files.items():
        path = system / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return system


def test_a_card_is_described_written_and_read_back(tmp_path: Path) -> None:
    card, image = tmp_path / "sdx", tmp_path / "image"
    card.write_bytes(b"\xff" * 4096 * 512)
    image.write_bytes(os.urandom(MB + 100))
    disk = disks.look(card, machine(tmp_path))
    assert (disk.model, disk.size, disk.removable) == ("Generic SD Reader", 4096 * 512, True)
    steps: list[str] = []
    disks.write_image(disk, image, lambda label, total: steps.append(label), lambda done: None)
    assert steps == ["writing", "reading back"]
    assert card.read_bytes()[: MB + 100] == image.read_bytes()


def test_a_card_that_forgets_is_noticed(tmp_path: Path) -> None:
    image = tmp_path / "image"
    image.write_bytes(os.urandom(1000))
    forgetful = disks.Disk(Path("/dev/zero"), "zero", "", 1 << 30, True)
    with pytest.raises(FlashError, match="another card"):
        disks.write_image(forgetful, image, lambda label, total: None, lambda done: None)


def test_an_image_that_is_larger_than_the_card(tmp_path: Path) -> None:
    card, image = tmp_path / "sdx", tmp_path / "image"
    card.write_bytes(b"")
    image.write_bytes(bytes(3 * MB))
    with pytest.raises(UsageError, match="only"):
        disks.write_image(
            disks.look(card, machine(tmp_path)), image, lambda *_: None, lambda done: None
        )


@pytest.mark.parametrize(
    ("files", "words"),
    [
        ({"proc__self__mounts": "/dev/sdx1 / ext4 rw 0 0\n"}, "holds the system"),
        ({"proc__self__mounts": "/dev/sdx1 /boot/firmware vfat rw 0 0\n"}, "holds the system"),
        ({"proc__self__mounts": "/dev/sdx1 /media/card vfat rw 0 0\n"}, "umount /media/card"),
        ({"proc__swaps": "Filename\n/dev/sdx1 partition 1 0 -2\n"}, "swap"),
        ({"sys__devices__usb__block__sdx__ro": "1"}, "write-protected"),
        ({"sys__devices__usb__block__sdx__sdx1__holders__dm-0": ""}, "in use by dm-0"),
    ],
)
def test_disks_that_are_in_use_are_refused(
    tmp_path: Path, files: dict[str, str], words: str
) -> None:
    with pytest.raises(UsageError, match=words):
        disks.look(Path("/dev/sdx"), machine(tmp_path, **files))


def test_partitions_files_and_this_machines_own_disk_are_refused(tmp_path: Path) -> None:
    system = machine(tmp_path)
    with pytest.raises(UsageError, match="name the whole disk, /dev/sdx"):
        disks.look(Path("/dev/sdx1"), system)
    with pytest.raises(UsageError, match="no disk"):
        disks.look(tmp_path / "image", system)
    number = Path("/").stat().st_dev
    own = Path(f"/sys/dev/block/{os.major(number)}:{os.minor(number)}")
    if own.exists():
        with pytest.raises(UsageError):
            disks.look(Path("/dev") / own.resolve().name)
