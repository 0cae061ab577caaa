"""One emulated board: Debian with systemd as its first process under QEMU, reached by ssh."""

from __future__ import annotations

import contextlib
import shutil
import subprocess
from pathlib import Path

from edgebot.deploy.image import stage
from tests.board import early
from tests.board.reach import Reached, free_port, run, write

DISK = "8G"
MEMORY_MB = 3072

ASOUND = """\
# Two sides of one cable: what is played into Loopback,1,1 is the microphone, and what is spoken is
# heard at Loopback,1,0.
pcm.!default {
    type asym
    playback.pcm "plug:'hw:Loopback,0,0'"
    capture.pcm "plug:'hw:Loopback,0,1'"
}
ctl.!default { type hw card Loopback }
"""


class Machine(Reached):
    """A disk image made of a root directory, and the QEMU that runs it."""

    def __init__(self, root: Path, kernel: Path, folder: Path) -> None:
        super().__init__(folder)
        self.root = root
        self.kernel = kernel
        self.initrd = folder / "initrd.gz"
        self.image = folder / "disk.img"
        self.log = folder / "console.log"
        self._process: subprocess.Popen[bytes] | None = None

    def prepare(self, bundle: Path, public: Path) -> str:
        """Make the disk with the release of ``bundle`` on it, as `edgebot image` lays it out.

        No loop device is needed: the root is written into a new file system. The release.
        """
        self.make_keys()
        staging = self.folder / "root"
        shutil.rmtree(staging, ignore_errors=True)
        run(["cp", "-a", "--reflink=auto", str(self.root), str(staging)])
        write(staging / "etc/hostname", "board\n")
        write(staging / "etc/fstab", "/dev/vda / ext4 rw,errors=remount-ro 0 1\n")
        write(staging / "etc/asound.conf", ASOUND)
        write(staging / "etc/modules-load.d/sound.conf", "snd-aloop\n")
        self.let_in(staging)
        write(
            staging / "etc/systemd/network/lan.network",
            "[Match]\nType=ether\n[Network]\nDHCP=ipv4\n",
        )
        modules = self.kernel / "lib/modules"
        if not modules.is_dir():
            modules = self.kernel / "usr/lib/modules"
        run(["cp", "-a", str(modules), str(staging / "usr/lib/")])
        early.write(self.initrd, self.kernel, modules)
        wants = staging / "etc/systemd/system/multi-user.target.wants"
        wants.mkdir(parents=True, exist_ok=True)
        link = wants / "systemd-networkd.service"
        if not link.is_symlink():
            link.symlink_to("/lib/systemd/system/systemd-networkd.service")
        manifest = stage(staging, bundle, [public.read_bytes()])
        self.image.unlink(missing_ok=True)
        run(["mkfs.ext4", "-q", "-d", str(staging), str(self.image), DISK])
        shutil.rmtree(staging)
        return manifest.release

    def start(self) -> None:
        """Switch it on. The network reaches from here to its ssh and nowhere else."""
        port = free_port()
        self.write_config(port)
        kernel = max((self.kernel / "boot").glob("vmlinuz-*"))
        with self.log.open("ab") as log:
            command = ["nice", "-n", "5", "qemu-system-x86_64", "-machine", "q35"]
            command += ["-accel", "tcg,thread=multi", "-cpu", "max", "-smp", "2"]
            command += ["-m", str(MEMORY_MB), "-kernel", str(kernel), "-initrd", str(self.initrd)]
            # On a busy machine emulated timers come late, and the kernel would give up on them.
            command += ["-append", "root=/dev/vda rw console=ttyS0 quiet no_timer_check"]
            command += ["-drive", f"file={self.image},if=virtio,format=raw,cache=writeback"]
            command += ["-netdev", f"user,id=lan,restrict=on,hostfwd=tcp:127.0.0.1:{port}-:22"]
            command += ["-device", "virtio-net-pci,netdev=lan", "-device", "virtio-rng-pci"]
            command += ["-display", "none", "-serial", "stdio", "-monitor", "none", "-no-reboot"]
            self._process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def cut_power(self) -> None:
        """Whatever it has not synced is gone."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def stop(self) -> None:
        """Shut it down in good order."""
        if self._process is None or self._process.poll() is not None:
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.ssh("systemctl poweroff", check=False)
            self._process.wait(timeout=120)
        if self._process.poll() is None:
            self.cut_power()
