"""Which decisions are kept, and whether with their words."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from click.testing import CliRunner

from edgebot.cli.main import cli
from edgebot.core.dialogue import Decision, RungRecord
from edgebot.core.turn import Turn
from edgebot.dialogue.turnlog import TurnLog, read, turns_file
from tests.unit.dialogue.fakes import FakeClock

SECRET = "remember my pin is 1234"


def decision() -> Decision:
    details = {"template": "remember {text} (memory.yaml:3)", "heard": SECRET}
    return Decision(
        route="command",
        intent="memory_add",
        slots={"text": "my pin is 1234"},
        rungs=[
            RungRecord("stop", None, "nothing is to be stopped"),
            RungRecord("template", 0.9, f"matched {SECRET}", details, 1.234),
        ],
        failure="nothing",
    )


def kept(tmp_path: Path, keep: int = 20, words: bool = False, times: int = 1) -> Path:
    file = tmp_path / "run" / "turns.jsonl"
    log = TurnLog(file, FakeClock(), keep, words)
    for _ in range(times):
        log.add(Turn("a"), SECRET, decision())
    return file


def test_without_words_nothing_that_was_said_reaches_the_disk(tmp_path: Path) -> None:
    file = kept(tmp_path)
    assert "1234" not in file.read_text()
    (record,) = read(file)
    assert record["intent"] == "memory_add"
    assert record["slots"] == ["text"]
    assert [rung["rung"] for rung in record["rungs"]] == ["stop", "template"]
    assert record["rungs"][1]["templates"] == "remember {text} (memory.yaml:3)"


def test_with_words_everything_does(tmp_path: Path) -> None:
    (record,) = read(kept(tmp_path, words=True))
    assert record["text"] == SECRET
    assert record["slots"] == {"text": "my pin is 1234"}
    assert record["rungs"][1]["reason"] == f"matched {SECRET}"


def test_only_the_owner_can_read_it(tmp_path: Path) -> None:
    assert kept(tmp_path).stat().st_mode & 0o777 == 0o600


def test_only_the_last_are_kept(tmp_path: Path) -> None:
    assert len(read(kept(tmp_path, keep=3, times=10))) == 3


def test_zero_keeps_nothing(tmp_path: Path) -> None:
    assert not kept(tmp_path, keep=0).exists()


def test_a_file_that_cannot_be_written_is_not_worth_a_turn(tmp_path: Path) -> None:
    (tmp_path / "run").write_text("in the way")
    log = TurnLog(tmp_path / "run" / "turns.jsonl", FakeClock())
    log.add(Turn("a"), SECRET, decision())
    assert log.last()[0]["text"] == SECRET


def test_damaged_lines_are_left_out(tmp_path: Path) -> None:
    file = kept(tmp_path)
    file.write_text("nonsense\n[1]\n" + file.read_text())
    assert len(read(file)) == 1


def test_it_lies_where_it_costs_no_sd_card(tmp_path: Path) -> None:
    assert turns_file(tmp_path, {}) == tmp_path / "turns.jsonl"
    runtime = tmp_path / "runtime"
    runtime.mkdir()
    user = turns_file(tmp_path, {"XDG_RUNTIME_DIR": str(runtime)})
    assert user.parent == runtime / "edgebot"
    service = turns_file(tmp_path, {"RUNTIME_DIRECTORY": str(runtime)})
    assert service.parent == runtime
    other = turns_file(tmp_path / "other", {"RUNTIME_DIRECTORY": str(runtime)})
    assert other != service


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setenv("EDGEBOT_STATE_DIR", str(tmp_path))
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)
    monkeypatch.delenv("RUNTIME_DIRECTORY", raising=False)
    log = TurnLog(tmp_path / "turns.jsonl", FakeClock(), 20, keep_words=True)
    for text in ("first", "second", "third"):
        log.add(Turn("a"), text, decision())
    return CliRunner()


@pytest.mark.parametrize(("which", "text"), [([], "third"), (["1"], "third"), (["3"], "first")])
def test_explain_by_number(run: CliRunner, which: list[str], text: str) -> None:
    result = run.invoke(cli, ["explain", *which, "--json"])
    assert result.exit_code == 0, result.output
    assert json.loads(result.stdout)["text"] == text


def test_explain_by_id_and_for_people(run: CliRunner) -> None:
    listed = run.invoke(cli, ["explain", "--list"]).stdout.splitlines()
    assert len(listed) == 3
    page = run.invoke(cli, ["explain", listed[1].split()[0][:8]]).stdout
    assert "said:    second" in page
    assert "template       0.90" in page
    assert "declined" in page


@pytest.mark.parametrize("which", ["99", "zzz"])
def test_explain_of_no_such_turn(run: CliRunner, which: str) -> None:
    result = run.invoke(cli, ["explain", which])
    assert result.exit_code != 0
    assert "--list" in str(result.exception)


def test_a_prompt_is_shown_word_for_word(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    prompt = [
        {"role": "system", "content": "Be brief.\nBe kind."},
        {"role": "user", "content": "Hi"},
    ]
    rungs = [RungRecord("llm", 0.5, "some model", {"prompt": prompt}, 1.0)]
    log = TurnLog(turns_file(tmp_path, {}), FakeClock(), keep_words=True)
    log.add(Turn("a"), "Hi", Decision(route="llm", rungs=rungs))
    monkeypatch.setenv("EDGEBOT_STATE_DIR", str(tmp_path))
    for variable in ("RUNTIME_DIRECTORY", "XDG_RUNTIME_DIR"):
        monkeypatch.delenv(variable, raising=False)
    shown = CliRunner().invoke(cli, ["explain"])
    assert shown.exit_code == 0, shown.output
    page = " ".join(shown.output.split())
    assert "prompt: system: Be brief. Be kind." in page
    assert "prompt: user: Hi" in page
    assert (
        json.loads(CliRunner().invoke(cli, ["explain", "--json"]).stdout)["rungs"][0]["details"][
            "prompt"
        ]
        == prompt
    )
