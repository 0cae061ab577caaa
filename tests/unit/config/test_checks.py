"""The single checks of the doctor."""

from __future__ import annotations

import sys
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest

from edgebot.config.hardware import detect
from edgebot.config.sections.audio import AudioSettings
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
    (check,) = checks.sound(AudioSettings())
    monkeypatch.delitem(sys.modules, "sounddevice", raising=False)
    assert check.status == "warn"
    assert "apt-get install libportaudio2" in check.next_step


class Card:
    """Two devices, as ``sounddevice`` tells of them."""

    PortAudioError = RuntimeError

    def __init__(self, devices: dict[str, str]) -> None:
        self._devices = devices

    def query_devices(self, wanted: str | None, kind: str) -> dict[str, object]:
        name = self._devices.get(kind)
        if name is None:
            raise self.PortAudioError("Error querying device -1")
        if wanted is not None and wanted not in name:
            raise ValueError(f"No {kind} device matching {wanted!r}")
        return {"name": name, "default_samplerate": 48_000.0}


def test_sound_devices(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(checks, "platform_canceller", lambda: None)
    monkeypatch.setitem(sys.modules, "sounddevice", Card({"input": "USB mic"}))
    found = {check.name: check for check in checks.sound(AudioSettings())}
    assert (found["microphone"].status, found["speaker"].status) == ("ok", "warn")
    assert found["microphone"].message == "USB mic, 48000 Hz, the default"
    assert "aplay -l" in found["speaker"].next_step
    assert found["echo"].status == "ok"


@pytest.mark.parametrize(("wanted", "status"), [("USB", "ok"), ("Jabra", "warn")])
def test_a_microphone_of_the_settings(wanted: str, status: str) -> None:
    check = checks.sound_device(Card({"input": "USB mic"}), "microphone", wanted)
    assert check.status == status
    if status == "warn":
        assert "'Jabra'" in check.message
        assert "audio.microphone" in check.next_step


@pytest.mark.parametrize(
    ("wanted", "found", "status", "words"),
    [
        ("auto", ("echo-cancel-source", "echo-cancel-sink"), "ok", "echo-cancel-source"),
        ("auto", None, "ok", "own canceller"),
        ("software", ("echo-cancel-source", "echo-cancel-sink"), "ok", "own canceller"),
        ("platform", None, "fail", "no canceller"),
        ("none", None, "ok", "headphones"),
    ],
)
def test_echo(wanted: str, found: tuple[str, str] | None, status: str, words: str) -> None:
    check = checks.echo(wanted, found)
    assert check.status == status
    assert words in check.message
