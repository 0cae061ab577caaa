"""What the kernel starts with: busybox, the modules of the disk, and a hand-over to systemd."""

from __future__ import annotations

import gzip
import stat
import subprocess
from pathlib import Path

WANTED = ("virtio_pci", "virtio_blk", "ext4", "crc32c_generic")

INIT = """\
#!/bin/busybox sh
/bin/busybox mount -t devtmpfs dev /dev
for module in $(/bin/busybox cat /order); do /bin/busybox insmod "/modules/$module"; done
n=0
while [ ! -b /dev/vda ] && [ $n -lt 600 ]; do /bin/busybox sleep 0.1; n=$((n+1)); done
/bin/busybox mount -t ext4 /dev/vda /root && /bin/busybox umount /dev
exec /bin/busybox switch_root /root /sbin/init
"""


def write(out: Path, kernel: Path, modules: Path) -> None:
    """Write the archive (cpio, newc) for the kernel unpacked in ``kernel``."""
    version = next(modules.iterdir())
    subprocess.run(["depmod", "-b", str(modules.parents[1]), version.name], check=False)
    files = _with_needs(version)
    busybox = next(
        path for path in (kernel / "bin/busybox", kernel / "usr/bin/busybox") if path.exists()
    )
    members: list[tuple[str, int, bytes]] = [
        (name, stat.S_IFDIR | 0o755, b"") for name in ("bin", "dev", "root", "modules")
    ]
    members.append(("bin/busybox", stat.S_IFREG | 0o755, busybox.read_bytes()))
    members.append(("init", stat.S_IFREG | 0o755, INIT.encode()))
    members.append(("order", stat.S_IFREG | 0o644, "\n".join(f.name for f in files).encode()))
    members += [(f"modules/{f.name}", stat.S_IFREG | 0o644, f.read_bytes()) for f in files]
    out.write_bytes(
        gzip.compress(b"".join(map(_member, members)) + _member(("TRAILER!!!", 0, b"")), 1)
    )


def _with_needs(version: Path) -> list[Path]:
    """The wanted modules after everything they need; what is built in is not there."""
    needs: dict[str, list[str]] = {}
    for line in (version / "modules.dep").read_text().splitlines():
        module, _, others = line.partition(":")
        needs[module] = others.split()
    order: list[str] = []

    def add(module: str) -> None:
        for other in needs.get(module, []):
            add(other)
        if module not in order:
            order.append(module)

    for name in WANTED:
        for module in needs:
            if Path(module).name.partition(".")[0].replace("-", "_") == name:
                add(module)
    return [version / module for module in order]


def _member(member: tuple[str, int, bytes]) -> bytes:
    name, mode, content = member
    fields = (0, mode, 0, 0, 1, 0, len(content), 0, 0, 0, 0, len(name) + 1, 0)
    head = b"070701" + b"".join(b"%08X" % field for field in fields) + name.encode() + b"\0"
    return head + b"\0" * (-len(head) % 4) + content + b"\0" * (-len(content) % 4)
