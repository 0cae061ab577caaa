"""Debian roots from the package mirror that this machine uses; kept in the cache."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

from edgebot.config.paths import cache_dir
from edgebot.deploy.debian import mirror

SHELF = cache_dir() / "board-test"

TOOLS = {
    "mmdebstrap": "mmdebstrap",
    "qemu-system-x86_64": "qemu-system-x86",
    "qemu-aarch64-static": "qemu-user-static",
    "systemd-nspawn": "systemd-container",
    "mkfs.ext4": "e2fsprogs",
    "depmod": "kmod",
    "ssh-keygen": "openssh-client",
}
"""Program → the Debian package that brings it, for the deep test itself."""


def check_tools() -> None:
    """Raise ``SystemExit`` with the command that installs what is missing."""
    if missing := sorted({package for tool, package in TOOLS.items() if not shutil.which(tool)}):
        raise SystemExit(f"first: apt-get install {' '.join(missing)}")


COMMON = ("python3", "libportaudio2", "openssl", "alsa-utils", "ca-certificates")
NOT_ON_A_BOARD = ("libportaudio2", "libjack-jackd2-0", "libsamplerate0", "libopus0")
"""What Raspberry Pi OS lite lacks as well: a bundle brings it."""

SYSTEM = (
    *("systemd", "systemd-sysv", "dbus", "udev", "kmod", "openssh-server"),
    *("libasound2-plugins", "iproute2"),
)
"""What makes a machine of a root."""

BARE = ("libatomic1", "dash", "coreutils", "libc-bin", "base-files", "base-passwd", "debianutils")
"""For a root in which nothing is run while it is made."""

PYTHON = {"bookworm": "3.11", "trixie": "3.13"}


def sources(suite: str) -> list[str]:
    """Lines for apt with the mirrors of this machine, for another suite where need be."""
    address = mirror()
    if address is None:
        raise SystemExit("no Debian mirror is configured on this machine")
    return [f"deb {address} {suite} main"]


def machine(suite: str) -> Path:
    """The root of a small amd64 machine of ``suite``, without a kernel."""
    root = _make(f"{suite}-machine", suite, "amd64", "minbase", (*COMMON, *SYSTEM))
    purge = ["chroot", str(root), "dpkg", "--purge", "--force-depends", *NOT_ON_A_BOARD]
    subprocess.run(purge, check=False, capture_output=True)
    return root


def kernel(suite: str) -> Path:
    """A folder with the kernel for it, its modules and busybox."""
    return _make(
        f"{suite}-kernel", suite, "amd64", "extract", ("linux-image-amd64", "busybox-static")
    )


def arm(suite: str) -> Path:
    """An arm64 root in which programs run through qemu-user; packages are only unpacked."""
    root = SHELF / f"{suite}-arm64"
    fresh = not (root / ".whole").is_file()
    root = _make(root.name, suite, "arm64", "extract", (*COMMON, *BARE))
    if fresh:
        _lay_out(root)
    return root


def _make(name: str, suite: str, arch: str, variant: str, packages: tuple[str, ...]) -> Path:
    root = SHELF / name
    if (root / ".whole").is_file():
        return root
    shutil.rmtree(root, ignore_errors=True)
    root.parent.mkdir(parents=True, exist_ok=True)
    command = ["nice", "-n", "10", "mmdebstrap", "--quiet", "--mode=root", f"--variant={variant}"]
    command += [f"--architectures={arch}", f"--include={','.join(packages)}"]
    command += [
        "--aptopt=APT::Install-Recommends false",
        "--aptopt=Acquire::Check-Valid-Until false",
    ]
    command += [
        "--dpkgopt=path-exclude=/usr/share/man/*",
        "--dpkgopt=path-exclude=/usr/share/doc/*",
    ]
    environ = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    subprocess.run([*command, suite, str(root), *sources(suite)], check=True, env=environ)
    (root / ".whole").touch()
    return root


def _lay_out(root: Path) -> None:
    """What the packages' own scripts would have done, and no database of what is installed."""
    for folder in ("proc", "tmp", "root", "run", "dev", "sys"):
        (root / folder).mkdir(exist_ok=True)
    (root / "usr/bin/dpkg-query").unlink(missing_ok=True)
    if not (root / "bin/sh").exists():
        (root / "bin/sh").symlink_to("dash")
    (root / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    (root / "etc/group").write_text("root:x:0:\n")
    run = ["chroot", str(root), "/sbin/ldconfig"]
    subprocess.run(run, check=True)
