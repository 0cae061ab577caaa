"""``edgebot config``, ``profile`` and ``doctor``, as they are called."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from edgebot.cli.main import main
from edgebot.config import hardware
from edgebot.runtime import checks
from tests.unit.config import boards


@pytest.fixture(autouse=True)
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Nothing of this machine's own settings counts."""
    monkeypatch.chdir(tmp_path)
    for name in ("STATE", "MODELS", "CACHE"):
        monkeypatch.setenv(f"EDGEBOT_{name}_DIR", str(tmp_path / name.lower()))
    return tmp_path


def call(*arguments: str) -> int:
    with pytest.raises(SystemExit) as caught:
        main(list(arguments))
    assert isinstance(caught.value.code, int)
    return caught.value.code


def spoken(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def become(
    capture: boards.Capture, arch: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Let this machine be the captured one."""
    root = boards.unpack(capture, tmp_path / "board")
    found = hardware.detect(root, arch)
    for module in ("edgebot.config.profiles", "edgebot.runtime.machine"):
        monkeypatch.setattr(f"{module}.detect", lambda: found)


# --- config


def test_check_without_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("config", "check") == 0
    assert "nothing wrong" in capsys.readouterr().out


def test_check_names_every_mistake(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "edgebot.yaml").write_text("lenguage: de\ntts:\n  speed: 9\nprofile: rpi6\n")
    assert call("config", "check", "--json") == 78
    found = spoken(capsys)
    assert [fact["where"] for fact in found] == [f"edgebot.yaml:{line}" for line in (1, 3, 4)]
    assert "did you mean 'language'?" in found[0]["message"]
    assert "no profile is called 'rpi6'" in found[2]["message"]
    assert call("config", "check") == 78
    said = capsys.readouterr().err
    assert all(f"edgebot.yaml:{line}: " in said for line in (1, 3, 4))


def test_check_of_an_unreadable_file(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("--config", "absent.yaml", "config", "check", "--json") == 78
    assert "No such file" in spoken(capsys)[0]["message"]
    (home / "edgebot.yaml").mkdir()
    assert call("config", "check") == 0, "a directory of that name is no settings file"


def test_show_tells_origins(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    become(boards.PI_4, "aarch64", home, monkeypatch)
    (home / "edgebot.yaml").write_text("tts:\n  speed: 1.5\n")
    monkeypatch.setenv("EDGEBOT_LLM__SEED", "7")
    assert call("config", "show", "--json") == 0
    found = {fact["key"]: (fact["value"], fact["origin"]) for fact in spoken(capsys)}
    assert found["tts.speed"] == (1.5, "edgebot.yaml:2")
    assert found["llm.seed"] == (7, "EDGEBOT_LLM__SEED")
    assert found["llm.context_tokens"] == (1024, "profile")
    assert found["threads.llm"] == (3, "profile")
    assert found["language"] == ("en", "default")
    assert found["models_dir"] == (str(home / "models"), "EDGEBOT_MODELS_DIR")


def test_file_named_on_the_command_line(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (home / "other.yaml").write_text("language: de\n")
    assert call("--config", "other.yaml", "config", "show") == 0
    assert "other.yaml:1" in capsys.readouterr().out


# --- profile


def test_profile_of_a_board(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    become(boards.PI_5, "aarch64", home, monkeypatch)
    assert call("profile", "--json") == 0
    (facts,) = spoken(capsys)
    assert facts["profile"] == "rpi5" and facts["fits"]
    assert facts["hardware"]["board"] == "Raspberry Pi 5 Model B Rev 1.0"
    assert facts["models"]["llm"]["id"].startswith("qwen2.5")
    threads = {"llm": 3, "tts": 2, "embed": 1, "vad": 1, "waiting": "passive"}
    assert facts["threads"] == threads
    assert facts["memory_mb"] <= facts["budget_mb"]
    assert call("profile") == 0
    said = capsys.readouterr().out
    assert "Cortex-A76" in said and "rpi5: the board is a Raspberry Pi 5" in said


def test_profile_asked_for_by_name(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    become(boards.PI_5, "aarch64", home, monkeypatch)
    assert call("profile", "rpi4", "--json") == 0
    (facts,) = spoken(capsys)
    assert (facts["profile"], facts["reason"]) == ("rpi4", "the settings name it")
    assert facts["context_tokens"] == 1024


def test_profile_that_does_not_fit(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    become(boards.PI_4, "aarch64", home, monkeypatch)
    assert call("profile", "rpi5", "--json") == 78
    captured = capsys.readouterr()
    facts = json.loads(captured.out)
    assert facts["fits"] is False and "asimddp" in facts["refusal"]
    assert "asimddp" in captured.err


def test_profile_that_is_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert call("profile", "rpi6") == 2
    assert "did you mean 'rpi5'?" in capsys.readouterr().err


def test_machine_too_small_for_any(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    become(boards.ZERO_2_WITHOUT_SWAP, "aarch64", home, monkeypatch)
    assert call("profile") == 78
    said = capsys.readouterr().err
    assert "310 MB are free and 0 MB are swap" in said and "Traceback" not in said
    assert call("models", "list") == 0, "what needs no engine goes on"


# --- doctor


def test_doctor_answers_every_question(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    become(boards.MINI_PC, "x86_64", home, monkeypatch)
    monkeypatch.setattr(checks, "ENGINES", ("json",))
    code = call("doctor", "--json")
    found = {fact["name"]: fact for fact in spoken(capsys)}
    assert {
        "settings", "python", "profile", "cpu", "memory", "disk", "temperature", "clock",
        "state directory", "model silero-vad",
    } <= found.keys()  # fmt: skip
    assert {"microphone", "speaker", "echo"} <= found.keys() or found["sound"]["status"] == "warn"
    assert found["cpu"]["status"] == found["memory"]["status"] == "ok"
    assert found["temperature"]["message"] == "41 °C"
    assert found["model silero-vad"]["status"] == "fail", "nothing was pulled into this home"
    assert "edgebot models pull silero-vad" in found["model silero-vad"]["next_step"]
    assert code == 1
    assert all(fact["next_step"] for fact in found.values() if fact["status"] == "fail")


def test_doctor_goes_on_where_settings_are_wrong(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(checks, "ENGINES", ())
    (home / "edgebot.yaml").write_text("a: 1\nb: 2\n")
    assert call("doctor", "--json") == 1
    found = spoken(capsys)
    assert [fact["status"] for fact in found if fact["name"] == "settings"] == ["fail", "fail"]
    assert "clock" in {fact["name"] for fact in found}


def test_doctor_on_a_machine_nothing_fits(
    home: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    become(boards.OLD_NETTOP, "x86_64", home, monkeypatch)
    monkeypatch.setattr(checks, "ENGINES", ())
    assert call("doctor") == 1
    said = capsys.readouterr().out
    assert "fail  profile: " in said and "edgebot profile" in said
