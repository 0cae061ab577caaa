"""Detection reads captured boards."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgebot.config.hardware import Accelerator, Hardware, detect, read_accelerator
from tests.unit.config import boards


def look(capture: boards.Capture, root: Path, arch: str = "aarch64") -> Hardware:
    return detect(boards.unpack(capture, root), arch)


def test_pi_zero_2(tmp_path: Path) -> None:
    found = look(boards.ZERO_2, tmp_path)
    assert found.board == "Raspberry Pi Zero 2 W Rev 1.0"
    assert found.cpu == "Cortex-A53"
    assert found.features == frozenset({"fp", "asimd", "evtstrm", "crc32", "cpuid"})
    assert (found.cores, found.physical_cores) == (4, 4)
    assert (found.memory_mb, found.available_mb, found.swap_mb) == (427, 310, 427)
    assert found.memory_limit == "machine"
    assert found.temperature_c == pytest.approx(47.774)
    assert found.accelerator is None


def test_pi_5_has_dot_products_and_ignores_a_dead_sensor(tmp_path: Path) -> None:
    found = look(boards.PI_5, tmp_path)
    assert found.cpu == "Cortex-A76"
    assert "asimddp" in found.features
    assert found.temperature_c == pytest.approx(56.3)


def test_pi_4_has_none(tmp_path: Path) -> None:
    assert "asimddp" not in look(boards.PI_4, tmp_path).features


def test_jetson_shares_its_memory(tmp_path: Path) -> None:
    found = look(boards.ORIN_NANO, tmp_path)
    name = "NVIDIA Jetson Orin Nano Developer Kit"
    assert found.accelerator == Accelerator("tegra", name, None)
    assert found.cores == 6


def test_pc_is_named_by_its_firmware(tmp_path: Path) -> None:
    found = look(boards.MINI_PC, tmp_path, "x86_64")
    assert found.board == "AZW MINI S"
    assert found.cpu == "Intel(R) N100"
    assert {"avx2", "fma", "f16c"} <= found.features
    assert found.temperature_c == 41.0


def test_second_threads_are_no_cores(tmp_path: Path) -> None:
    found = look(boards.WORKSTATION, tmp_path, "x86_64")
    assert (found.cores, found.physical_cores) == (16, 8)


def test_two_kinds_of_cores_have_what_both_have(tmp_path: Path) -> None:
    mixed = boards.arm_cpuinfo(4, boards.A53, "0xd03") + boards.arm_cpuinfo(2, boards.A76, "0xd0b")
    found = look({"proc/cpuinfo": mixed}, tmp_path)
    assert found.cpu == "Cortex-A53 + Cortex-A76"
    assert "asimd" in found.features and "asimddp" not in found.features


def test_limit_of_a_container(tmp_path: Path) -> None:
    found = look(boards.CONTAINER, tmp_path, "x86_64")
    assert (found.memory_mb, found.memory_limit) == (1024, "cgroup")
    assert found.available_mb == 1024 - 300 + 90  # the page cache can be had back
    assert found.cores == 2  # one and a half, rounded up


def test_limit_of_a_container_version_1(tmp_path: Path) -> None:
    found = look(boards.CONTAINER_V1, tmp_path, "x86_64")
    assert (found.memory_mb, found.available_mb, found.cores) == (2048, 1536, 2)


def test_unlimited_group_is_no_limit(tmp_path: Path) -> None:
    found = look(boards.UNLIMITED_V1, tmp_path, "x86_64")
    assert (found.memory_mb, found.memory_limit) == (15765, "machine")


def test_group_above_ours_limits_too(tmp_path: Path) -> None:
    nested = boards.MINI_PC | {
        "proc/self/cgroup": "0::/system.slice/edgebot.service\n",
        "sys/fs/cgroup/system.slice/memory.max": f"{700 << 20}\n",
        "sys/fs/cgroup/system.slice/edgebot.service/memory.max": "max\n",
    }
    assert look(nested, tmp_path, "x86_64").memory_mb == 700


def test_group_path_never_leaves_the_mount(tmp_path: Path) -> None:
    sly = boards.MINI_PC | {
        "proc/self/cgroup": "0::/../../../elsewhere\n",
        "elsewhere/memory.max": "1048576\n",
    }
    assert look(sly, tmp_path, "x86_64").memory_limit == "machine"


def test_nothing_to_read_is_no_error(tmp_path: Path) -> None:
    found = look(boards.NOTHING, tmp_path)
    assert found == Hardware(
        board="",
        arch="aarch64",
        cpu="",
        features=frozenset(),
        cores=1,
        physical_cores=1,
        memory_mb=0,
        available_mb=0,
        memory_limit="machine",
        swap_mb=0,
        accelerator=None,
        temperature_c=None,
    )


def test_garbage_is_no_error(tmp_path: Path) -> None:
    for name in ("proc/cpuinfo", "proc/meminfo", "proc/self/cgroup", "proc/device-tree/model"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"\xff\x00MemTotal: ten kB\nflags\n:::\n")
    zone = tmp_path / "sys/class/thermal/thermal_zone0/temp"
    zone.parent.mkdir(parents=True)
    zone.write_text("hot\n")
    found = detect(tmp_path, "aarch64")
    assert (found.memory_mb, found.temperature_c) == (0, None)


def test_graphics_card_tells_name_and_memory(tmp_path: Path) -> None:
    root = boards.unpack(boards.WORKSTATION, tmp_path)
    found = read_accelerator(root, lambda: "NVIDIA RTX A2000, 6138")
    assert found == Accelerator("cuda", "NVIDIA RTX A2000", 6138)


def test_graphics_card_whose_driver_is_silent(tmp_path: Path) -> None:
    root = boards.unpack(boards.WORKSTATION, tmp_path)
    assert read_accelerator(root) == Accelerator("cuda", "NVIDIA", None)


def test_graphics_card_named_by_its_driver(tmp_path: Path) -> None:
    information = "Model: \t\t NVIDIA GeForce RTX 3050\nIRQ:   \t\t 55\n"
    capture = {"proc/driver/nvidia/gpus/0000:01:00.0/information": information}
    root = boards.unpack(boards.WORKSTATION | capture, tmp_path)
    assert read_accelerator(root) == Accelerator("cuda", "NVIDIA GeForce RTX 3050", None)


def test_this_machine_is_a_machine() -> None:
    found = detect()
    assert found.cores >= found.physical_cores >= 1
    assert found.arch
    assert 0 < found.available_mb <= found.memory_mb
