"""What the operating system must bring: compiler, npm, PortAudio."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable
from ctypes.util import find_library
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

from edgebot.setup.console import Console, StepFailed, run


def _program(name: str) -> Callable[[], bool]:
    return lambda: shutil.which(name) is not None


@dataclass(frozen=True, slots=True)
class Need:
    """Something that comes from a Debian package."""

    package: str
    purpose: str
    present: Callable[[], bool]
    vital: bool = True
    """Nothing works without it."""

    only_tests: bool = False
    """The tests use it, a board does not."""


def _sound_server() -> bool:
    # PulseAudio drives PipeWire out, and nobody's desktop shall lose its sound for our tests.
    return any(shutil.which(name) for name in ("pulseaudio", "pipewire"))


def _unless_desktop(name: str) -> Callable[[], bool]:
    # On a desktop it would take the sound over from what is there.
    sessions = [Path("/usr/share") / kind for kind in ("xsessions", "wayland-sessions")]
    return lambda: shutil.which(name) is not None or any(one.is_dir() for one in sessions)


def _server(name: str) -> Callable[[], bool]:
    # Debian puts servers where a user's PATH does not look.
    return lambda: shutil.which(name, path="/usr/local/sbin:/usr/sbin:/usr/bin") is not None


def _alsa_pulse() -> bool:
    return any(Path("/usr/lib").glob("*/alsa-lib/libasound_module_pcm_pulse.so"))


def _sshd() -> bool:
    return shutil.which("sshd", path=f"{os.environ.get('PATH', '')}:/usr/sbin") is not None


NEEDS = [
    Need("python3-venv", "virtual environments", lambda: find_spec("ensurepip") is not None),
    Need("build-essential", "building llama.cpp", _program("gcc")),
    Need("build-essential", "building llama.cpp", _program("g++")),
    Need("npm", "fetching models", _program("npm")),
    Need("libgomp1", "llama.cpp", lambda: find_library("gomp") is not None),
    Need(
        "libportaudio2", "sound cards", lambda: find_library("portaudio") is not None, vital=False
    ),
    Need("openssh-server", "tests of flashing a board", _sshd, False, only_tests=True),
    Need("mtools", "tests of disk images", _program("mcopy"), False, only_tests=True),
    Need("pulseaudio", "tests of the sound path", _sound_server, False, only_tests=True),
    Need("pulseaudio-utils", "tests of the sound path", _program("parec"), False, only_tests=True),
    # Beside PulseAudio; `pipewire-alsa` would drive that out.
    *(
        Need(name, "tests of the sound path on PipeWire", _unless_desktop(name), False, True)
        for name in ("pipewire", "pipewire-pulse", "wireplumber", "dbus-daemon")
    ),
    Need("mosquitto", "tests of MQTT", _server("mosquitto"), False, only_tests=True),
    Need("prometheus", "tests of the metrics", _server("prometheus"), False, only_tests=True),
    Need("libasound2-plugins", "tests of the sound path", _alsa_pulse, False, only_tests=True),
    Need("chromium", "tests of the web page", _program("chromium"), False, only_tests=True),
]


def needs(goal: str) -> list[Need]:
    """What ``run`` (a board) or ``dev`` needs."""
    return [need for need in NEEDS if goal == "dev" or not need.only_tests]


def complete(goal: str = "run") -> bool:
    """Whether nothing vital is missing, and nothing else that could be installed right away."""
    can_install = shutil.which("apt-get") is not None and _root_prefix() is not None
    return all(need.present() or not (need.vital or can_install) for need in needs(goal))


def prepare(console: Console, goal: str = "run") -> None:
    """Install what is missing as root or with sudo; else name the exact command."""
    if sys.version_info < (3, 11):  # noqa: UP036 - this file runs before pip can check
        raise StepFailed("Python 3.11 or newer is needed; on Debian 12: apt-get install python3")
    missing = [need for need in needs(goal) if not need.present()]
    if not missing:
        return
    packages = sorted({need.package for need in missing})
    for need in missing:
        console.show(f"{need.package} is missing ({need.purpose})")
    command = ["apt-get", "install", "-y", "--no-install-recommends", *packages]
    by_hand = f"sudo apt-get update && sudo apt-get install -y {' '.join(packages)}"
    prefix = _root_prefix()
    if shutil.which("apt-get") and prefix is not None:
        try:
            run([*prefix, "apt-get", "update"], console)
            run([*prefix, *command], console)
        except StepFailed as problem:
            if any(need.vital for need in missing):
                raise StepFailed(f"{problem}\n\nInstall by hand: {by_hand}") from None
    if any(need.vital and not need.present() for need in missing):
        raise StepFailed(f"Missing: {', '.join(packages)}. Install with:\n  {by_hand}")
    if absent := sorted({need.purpose for need in missing if not need.present()}):
        console.end(f"without {' and '.join(absent)} until you run: {by_hand}")


def _root_prefix() -> list[str] | None:
    if os.geteuid() == 0:
        return ["env", "DEBIAN_FRONTEND=noninteractive"]
    sudo = shutil.which("sudo")
    if sudo and os.system(f"{sudo} -n true >/dev/null 2>&1") == 0:
        return [sudo, "-n", "env", "DEBIAN_FRONTEND=noninteractive"]
    return None
