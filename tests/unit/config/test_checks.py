"""The single checks of the doctor."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from edgebot.config.hardware import detect
from edgebot.runtime import checks
from tests.unit.config import boards


def test_hot_board(tmp_path: Path) -> None:
    hot = replace(detect(boards.unpack(boards.PI_4, tmp_path), "aarch64"), temperature_c=82.4)
    check = checks.temperature(hot)
    assert (check.status, check.message) == ("warn", "82 °C")
    assert checks.temperature(replace(hot, temperature_c=None)).status == "ok"


def test_clock_that_was_never_set() -> None:
    check = checks.clock(lambda: 86_400.0, lambda: True)
    assert check.status == "fail"
    assert "1970" in check.message


@pytest.mark.parametrize(("in_step", "status"), [(True, "ok"), (None, "ok"), (False, "warn")])
def test_clock_that_drifts(in_step: bool | None, status: str) -> None:
    assert checks.clock(lambda: 1.8e9, lambda: in_step).status == status


def test_real_clock_has_an_opinion() -> None:
    assert checks.clock().status in ("ok", "warn")


def test_engine_that_loads() -> None:
    assert checks.engine("json").status == "ok"


def test_engine_that_is_absent() -> None:
    check = checks.engine("no_such_engine")
    assert check.status == "fail"
    assert "No module named" in check.message


def test_engine_built_for_another_processor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It dies of SIGILL in a process of its own, not in ours."""
    (tmp_path / "wrong_build.py").write_text(
        "import os, signal\nos.kill(os.getpid(), signal.SIGILL)"
    )
    monkeypatch.setenv("PYTHONPATH", str(tmp_path))
    check = checks.engine("wrong_build")
    assert (check.status, check.message) == ("fail", "killed by signal 4")


def test_state_directory_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    check = checks.writable("state directory", tmp_path / "file" / "state", "EDGEBOT_STATE_DIR")
    assert check.status == "fail"
    assert "EDGEBOT_STATE_DIR" in check.next_step
    assert checks.writable("state directory", tmp_path / "new", "X").status == "ok"


@pytest.mark.parametrize(("free_mb", "status"), [(10, "fail"), (200, "warn"), (9000, "ok")])
def test_disk(free_mb: int, status: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usage = SimpleNamespace(free=free_mb * 1_000_000)
    monkeypatch.setattr(checks.shutil, "disk_usage", lambda _: usage)
    assert checks.disk(tmp_path / "not" / "there" / "yet").status == status


def test_missing_portaudio_names_the_package(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "sounddevice.py").write_text("raise OSError('PortAudio library not found')")
    monkeypatch.syspath_prepend(str(tmp_path))
    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    check = checks.sound()
    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    assert check.status == "warn"
    assert "apt-get install libportaudio2" in check.next_step


@pytest.mark.parametrize(
    ("ears", "mouths", "status"), [(1, 2, "ok"), (0, 2, "warn"), (0, 0, "warn")]
)
def test_sound_devices(
    ears: int, mouths: int, status: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    devices = [{"max_input_channels": 1, "max_output_channels": 0}] * ears
    devices += [{"max_input_channels": 0, "max_output_channels": 2}] * mouths
    fake = SimpleNamespace(query_devices=lambda: devices)
    monkeypatch.setitem(sys.modules, "sounddevice", fake)
    check = checks.sound()
    assert check.status == status
    assert check.message == f"{ears} microphones, {mouths} loudspeakers"
