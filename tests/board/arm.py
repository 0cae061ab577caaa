"""The aarch64 bundle in an aarch64 root: installs with no network, answers a spoken question."""

from __future__ import annotations

import json
import shutil
import subprocess
import tarfile
import time
from pathlib import Path
from typing import Any

from edgebot.deploy.board import packing
from edgebot.deploy.preparing import FOLDERS

CPU = "cortex-a72"
"""That of a Raspberry Pi 4: code for anything newer ends in an illegal instruction."""

CPUINFO = """\
processor\t: 0
Features\t: fp asimd evtstrm crc32 cpuid
CPU implementer\t: 0x41
CPU architecture: 8
CPU part\t: 0xd08

"""

INSIDE = """\
set -e
board="python3 -I /board/opt/edgebot/board.pyz --root /board"
ip link set lo up
mount -t proc proc "$1/proc"
mount --bind /dev "$1/dev"
mount --bind "$1/cpuinfo" "$1/proc/cpuinfo"
python3 -m http.server --bind 127.0.0.1 --directory "$1/bundle" 8765 >/dev/null 2>&1 &
trap 'kill %1' EXIT
chroot "$1" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin QEMU_CPU="$2" \\
    $board pull --url http://127.0.0.1:8765 --limit-s 1800
chroot "$1" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin QEMU_CPU="$2" \\
    EDGEBOT_STATE_DIR=/tmp/state EDGEBOT_CACHE_DIR=/tmp/cache HOME=/root \\
    EDGEBOT_THREADS__LLM=3 \\
    /board/opt/edgebot/current/bin/edgebot --config /board/etc/edgebot/edgebot.yaml \\
    ask "tell me something nice about dogs" --json
chroot "$1" /usr/bin/env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin QEMU_CPU="$2" \\
    $board stop
"""

_MAGIC = r"\x7fELF\x02\x01\x01\x00\x00\x00\x00\x00\x00\x00\x00\x00\x02\x00\xb7\x00"
_MASK = r"\xff\xff\xff\xff\xff\xff\xff\x00\xff\xff\xff\xff\xff\xff\xff\xff\xfe\xff\xff\xff"


def register() -> None:
    """Have the kernel run aarch64 programs through qemu-user."""
    folder = Path("/proc/sys/fs/binfmt_misc")
    if not (folder / "register").exists():
        subprocess.run(["mount", "-t", "binfmt_misc", "none", str(folder)], check=True)
    if not (folder / "qemu-aarch64").exists():
        line = f":qemu-aarch64:M::{_MAGIC}:{_MASK}:/usr/bin/qemu-aarch64-static:F"
        (folder / "register").write_text(line)


def check(root: Path, bundle: Path, public: Path, folder: Path) -> dict[str, Any]:
    """Install ``bundle`` below a copy of ``root`` with the network cut off; what it came to."""
    register()
    shutil.rmtree(folder, ignore_errors=True)
    subprocess.run(["cp", "-a", "--reflink=auto", str(root), str(folder)], check=True)
    (folder / "cpuinfo").write_text(CPUINFO)
    program = folder / "board/opt/edgebot/board.pyz"
    program.parent.mkdir(parents=True)
    program.write_bytes(packing.pack(packing.own_files()))
    trust = folder / "board/etc/edgebot/trust"
    trust.mkdir(parents=True)
    shutil.copy(public, trust / "test.json")
    with tarfile.open(bundle) as tar:
        tar.extractall(folder / "bundle", filter="data")
    script = folder / "inside.sh"
    script.write_text(INSIDE)
    began = time.monotonic()
    done = subprocess.run(
        ["nice", "-n", "5", "unshare", "--mount", "--net", "bash", str(script), str(folder), CPU],
        stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False,
    )  # fmt: skip
    took = round(time.monotonic() - began)
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    state: dict[str, Any] = next((line for line in lines if "outcome" in line), {})
    talks = [line for line in lines if "reply" in line and "outcome" not in line]
    talk: dict[str, Any] = talks[0] if talks else {}
    if done.returncode or state.get("outcome") != "ok" or not talk.get("reply"):
        raise SystemExit(f"the aarch64 bundle failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    # Asked with as many threads as a board has, it finds the state of its prompt as well.
    for cache, worked_out in ((("tmp/cache"), FOLDERS), ("board/var/cache/edgebot", FOLDERS[:2])):
        made = {path.name for path in (folder / cache).glob("*")} & set(worked_out)
        if made:
            raise SystemExit(f"the board has made {', '.join(sorted(made))}, which were prepared")
    shutil.rmtree(folder)
    return {
        "seconds": took,
        "steps_s": state.get("spans"),
        "spoken_answer": state.get("reply"),
        "language_model": talk["reply"],
    }
