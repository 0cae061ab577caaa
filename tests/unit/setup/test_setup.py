"""The set-up machinery, without network or compiler."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from edgebot.setup import llama, packages, system
from edgebot.setup.console import Console, StepFailed, run
from edgebot.setup.stamps import Stamps, digest


@pytest.fixture
def console() -> Console:
    return Console("[1/1] step")


def test_a_step_is_done_only_with_the_same_fingerprint(tmp_path: Path) -> None:
    stamps = Stamps(tmp_path)
    assert not stamps.done("models", "a")
    stamps.mark("models", "a")
    assert stamps.done("models", "a")
    assert not stamps.done("models", "b")
    assert not stamps.done("packages", "a")


def test_digest_follows_content_and_order(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    absent = digest("x", file)
    file.write_text("numpy==2")
    assert digest("x", file) != absent
    assert digest("a", "b") != digest("b", "a") != digest("ab")


def test_a_failing_command_shows_its_last_words(console: Console) -> None:
    script = "print('disk is full'); raise SystemExit(3)"
    with pytest.raises(StepFailed, match=r"(?s)failed with 3.*disk is full"):
        run([sys.executable, "-c", script], console)


def test_a_command_that_is_not_there_is_named(console: Console) -> None:
    with pytest.raises(StepFailed, match="no-such-program cannot be started"):
        run(["no-such-program"], console)


def test_progress_is_distilled(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    shown: list[str] = []
    monkeypatch.setattr(console, "show", shown.append)
    script = "print('noise'); print('[3/7] cc'); print('noise')"

    def distil(line: str) -> str | None:
        return line if line.startswith("[") else None

    run([sys.executable, "-c", script], console, distil=distil)
    assert shown == ["[3/7] cc"]


def test_missing_packages_are_named_with_the_command(
    console: Console, monkeypatch: pytest.MonkeyPatch
) -> None:
    missing = system.Need("npm", "fetching models", lambda: False)
    monkeypatch.setattr(system, "NEEDS", [missing])
    monkeypatch.setattr(system, "_root_prefix", lambda: None)
    assert not system.complete()
    with pytest.raises(StepFailed, match="sudo apt-get install -y npm"):
        system.prepare(console)


def test_what_is_not_vital_stops_nobody(
    console: Console, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = system.Need("libportaudio2", "sound cards", lambda: False, vital=False)
    monkeypatch.setattr(system, "NEEDS", [missing])
    monkeypatch.setattr(system, "_root_prefix", lambda: None)
    assert system.complete()
    system.prepare(console)
    assert "libportaudio2" in capsys.readouterr().err


def test_a_board_does_not_get_what_only_tests_use() -> None:
    board, tests = system.needs("run"), system.needs("dev")
    extra = {need.package for need in tests} - {need.package for need in board}
    assert {"pulseaudio", "pulseaudio-utils", "libasound2-plugins", "openssh-server"} <= extra
    assert {"pipewire", "pipewire-pulse", "wireplumber"} <= extra
    assert not any(need.vital for need in tests if need.package in extra)


def test_the_wheel_key_changes_with_the_processor(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "requirements.lock").write_text("llama-cpp-python==1.2.3\n")
    here = llama.fingerprint(tmp_path)
    assert llama.fingerprint(tmp_path) == here
    monkeypatch.setattr(llama, "_processor", lambda: "aarch64 asimd")
    assert llama.fingerprint(tmp_path) != here


def test_a_cached_wheel_is_installed_without_building(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, console: Console
) -> None:
    (tmp_path / "requirements.lock").write_text("llama-cpp-python==1.2.3\n")
    monkeypatch.setenv("EDGEBOT_CACHE_DIR", str(tmp_path / "cache"))
    shelf = tmp_path / "cache" / "wheels" / llama.fingerprint(tmp_path)[:16]
    shelf.mkdir(parents=True)
    (shelf / "llama.whl").touch()
    commands: list[list[str]] = []
    monkeypatch.setattr(llama, "run", lambda command, *_, **__: commands.append(command))
    llama.install(tmp_path, console)
    assert len(commands) == 1
    assert commands[0][-1] == str(shelf / "llama.whl")


def test_a_lock_without_llama_is_refused(tmp_path: Path) -> None:
    (tmp_path / "requirements.lock").write_text("numpy==2\n")
    with pytest.raises(StepFailed, match="does not pin"):
        llama.version(tmp_path)


def test_the_locks_pin_exactly_and_agree() -> None:
    root = Path(__file__).resolve().parents[3]

    def pins(name: str) -> dict[str, str]:
        lines = (root / packages.LOCKS[name]).read_text().splitlines()
        found = [line for line in lines if line and not line.lstrip().startswith("#")]
        assert all("==" in line and "://" not in line for line in found)
        return dict(line.split("==") for line in found)

    run_pins, dev_pins = pins("run"), pins("dev")
    assert run_pins.items() <= dev_pins.items()
    assert not {"torch", "pytest", "onnx"} & set(run_pins)


@pytest.mark.skipif(os.geteuid() != 0, reason="sudo is asked only when not root")
def test_root_needs_no_sudo() -> None:
    prefix = system._root_prefix()
    assert prefix is not None
    assert "sudo" not in prefix[0]
