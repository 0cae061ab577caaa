"""The units say what docs/board.md promises."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from edgebot.config import paths
from edgebot.config.profiles import Profile, load_profiles, profile_files
from edgebot.deploy.units import memory_drop_in

SYSTEMD = paths.share_dir("systemd")
UNITS = sorted(SYSTEMD.glob("*.service")) + sorted(SYSTEMD.glob("*.timer"))
HARDENED = 2.0


def read(text: str) -> dict[str, dict[str, list[str]]]:
    """Section → key → values, in order; systemd allows a key more than once."""
    found: dict[str, dict[str, list[str]]] = {}
    section = ""
    for line in text.splitlines():
        if line.startswith("["):
            section = line.strip("[]")
        elif line and not line.startswith("#"):
            key, _, value = line.partition("=")
            found.setdefault(section, {}).setdefault(key, []).append(value)
    return found


@pytest.fixture(scope="module")
def service() -> dict[str, list[str]]:
    return read((SYSTEMD / "edgebot.service").read_text())["Service"]


def test_it_is_watched_and_started_anew(service: dict[str, list[str]]) -> None:
    assert service["Type"] == ["notify"]
    assert service["Restart"] == ["on-failure"]
    assert service["RestartPreventExitStatus"] == ["78"]
    assert int(service["WatchdogSec"][0]) >= 10
    limits = read((SYSTEMD / "edgebot.service").read_text())["Unit"]
    assert int(limits["StartLimitBurst"][0]) == 5
    assert limits["OnFailure"] == ["edgebot-failed.service"]


def test_sound_is_the_only_device_and_this_machine_the_only_network(
    service: dict[str, list[str]],
) -> None:
    assert service["DevicePolicy"] == ["closed"]
    assert service["DeviceAllow"] == ["char-alsa rw"]
    assert service["IPAddressDeny"] == ["any"]
    assert service["IPAddressAllow"] == ["localhost"]


def test_what_was_found_to_break_engines_is_not_there(service: dict[str, list[str]]) -> None:
    assert "ProcSubset" not in service  # openWakeWord reads /proc/cpuinfo
    assert any(value.startswith("HOME=") for value in service["Environment"])  # vosk
    assert "-/lib64" in service["ExecPaths"][0].split()


@pytest.mark.parametrize("path", sorted(SYSTEMD.rglob("*.conf")), ids=lambda path: path.name)
def test_every_drop_in_says_what_it_is_for(path: Path) -> None:
    assert path.read_text().startswith("# ")


PROFILES = list(load_profiles(profile_files(Path("/nowhere"))))


@pytest.mark.parametrize("profile", PROFILES, ids=lambda profile: profile.name)
def test_memory_leaves_room_for_the_models_of_a_profile(profile: Profile) -> None:
    text = memory_drop_in(profile).decode()
    found = dict(re.findall(r"^(Memory\w+)=(\d+)M$", text, re.MULTILINE))
    assert profile.memory_ceiling_mb < int(found["MemoryHigh"]) < int(found["MemoryMax"])


needs_systemd = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not on this machine"
)


def analyze(tmp_path: Path, *drop_ins: str) -> float:
    units = tmp_path / "etc/systemd/system"
    (units / "edgebot.service.d").mkdir(parents=True)
    for path in UNITS:
        shutil.copy(path, units / path.name)
    for name in drop_ins:
        shutil.copy(SYSTEMD / "optional" / name, units / "edgebot.service.d" / name)
    command = ["systemd-analyze", "security", "--offline=true", f"--root={tmp_path}"]
    done = subprocess.run(
        [*command, "edgebot.service"], capture_output=True, text=True, check=False
    )
    match = re.search(r"edgebot\.service: ([0-9.]+)", done.stdout)
    assert match, done.stderr
    return float(match[1])


@needs_systemd
def test_exposure_is_as_low_as_promised(tmp_path: Path) -> None:
    assert analyze(tmp_path) <= HARDENED


@needs_systemd
@pytest.mark.parametrize(
    ("drop_in", "most"),
    [
        ("no-network.conf", 1.0),
        ("home-network.conf", HARDENED),
        ("talk-key.conf", HARDENED),
        ("gpio.conf", HARDENED),
    ],
)
def test_exposure_with_the_drop_ins(tmp_path: Path, drop_in: str, most: float) -> None:
    assert analyze(tmp_path, drop_in) <= most


@needs_systemd
@pytest.mark.parametrize("path", UNITS, ids=lambda path: path.name)
def test_systemd_understands_every_line(path: Path) -> None:
    done = subprocess.run(
        ["systemd-analyze", "verify", str(path)], capture_output=True, text=True, check=False
    )
    wrong = [
        line for line in done.stderr.splitlines() if re.search(r"Unknown|Failed to parse", line)
    ]
    assert not wrong
