"""One emulated board: Debian with systemd as its first process under QEMU, reached by ssh."""

from __future__ import annotations

import contextlib
import shutil
import socket
import subprocess
import time
from pathlib import Path

from tests.board import early

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

SSH_CONFIG = """\
Host board
    HostName 127.0.0.1
    Port {port}
    User root
    IdentityFile {folder}/id
    IdentitiesOnly yes
    UserKnownHostsFile {folder}/known_hosts
    HostKeyAlias board
"""


def run(command: list[str], **options: object) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, check=True, text=True, **options)  # type: ignore[call-overload,no-any-return]


def wait_for(what: str, ready: object, limit_s: float, pause_s: float = 1.0) -> float:
    """Seconds until ``ready()`` is true."""
    began = time.monotonic()
    while not ready():  # type: ignore[operator]
        if time.monotonic() - began > limit_s:
            raise SystemExit(f"{what}: not within {limit_s:.0f} s")
        time.sleep(pause_s)
    return time.monotonic() - began


class Machine:
    """A disk image made of a root directory, and the QEMU that runs it."""

    def __init__(self, root: Path, kernel: Path, folder: Path) -> None:
        self.folder = folder
        self.root = root
        self.kernel = kernel
        self.initrd = folder / "initrd.gz"
        self.image = folder / "disk.img"
        self.log = folder / "console.log"
        self.config = folder / "ssh_config"
        self._process: subprocess.Popen[bytes] | None = None
        folder.mkdir(parents=True, exist_ok=True)

    def prepare(self) -> None:
        """Make the disk: without any loop device, the root written into a new file system."""
        self._keys()
        staging = self.folder / "root"
        shutil.rmtree(staging, ignore_errors=True)
        run(["cp", "-a", "--reflink=auto", str(self.root), str(staging)])
        _write(staging / "etc/hostname", "board\n")
        _write(staging / "etc/fstab", "/dev/vda / ext4 rw,errors=remount-ro 0 1\n")
        _write(staging / "etc/asound.conf", ASOUND)
        _write(staging / "etc/modules-load.d/sound.conf", "snd-aloop\n")
        _write(staging / "root/.ssh/authorized_keys", (self.folder / "id.pub").read_text())
        _write(
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
        for key in self.folder.glob("ssh_host_*"):
            shutil.copy(key, staging / "etc/ssh" / key.name)
            (staging / "etc/ssh" / key.name).chmod(0o600)
        self.image.unlink(missing_ok=True)
        run(["mkfs.ext4", "-q", "-d", str(staging), str(self.image), DISK])
        shutil.rmtree(staging)

    def _keys(self) -> None:
        for name in ("id", "ssh_host_ed25519_key"):
            (self.folder / name).unlink(missing_ok=True)
            (self.folder / f"{name}.pub").unlink(missing_ok=True)
            run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", str(self.folder / name)])
        public = (self.folder / "ssh_host_ed25519_key.pub").read_text()
        _write(self.folder / "known_hosts", f"board {public}")

    def start(self) -> None:
        """Switch it on. The network reaches from here to its ssh and nowhere else."""
        port = _free_port()
        _write(self.config, SSH_CONFIG.format(port=port, folder=self.folder))
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

    def ssh_command(self, *options: str) -> list[str]:
        """ssh to it, up to what is to be run there."""
        return ["ssh", "-F", str(self.config), "-o", "BatchMode=yes", *options, "board"]

    def ssh(self, line: str, check: bool = True, timeout_s: float = 900) -> str:
        """Run a line of shell on it; what it prints."""
        done = subprocess.run(
            [*self.ssh_command("-o", "ConnectTimeout=10"), line],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=timeout_s,
            check=False,
        )
        if check and done.returncode:
            raise SystemExit(f"on the board: {line}\n{done.stdout}{done.stderr}")
        return done.stdout.strip()

    def wait_for_ssh(self, limit_s: float = 300) -> float:
        """Seconds from now until it can be logged in to."""
        return wait_for("ssh", lambda: self.ssh("echo up", check=False) == "up", limit_s)

    def stop(self) -> None:
        """Shut it down in good order."""
        if self._process is None or self._process.poll() is not None:
            return
        with contextlib.suppress(subprocess.TimeoutExpired):
            self.ssh("systemctl poweroff", check=False)
            self._process.wait(timeout=120)
        if self._process.poll() is None:
            self.cut_power()


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


def _free_port() -> int:
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
