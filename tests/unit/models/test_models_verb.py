"""``edgebot models``, as it is called."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import yaml

from edgebot.cli.main import main
from tests.unit.models import shop

FIELDS = {"id", "engine", "size", "sha256", "licence", "sources", "state"}


@pytest.fixture
def store(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A store with one model of its owner's that lies in a directory of this machine."""
    shelf = tmp_path / "shelf"
    (shelf / "sub").mkdir(parents=True)
    (shelf / "model.bin").write_bytes(shop.WEIGHTS)
    (shelf / "sub" / "tokens.json").write_bytes(shop.TOKENS)
    names = {name: name for name in ("model.bin", "sub/tokens.json")}
    entry = shop.entry([{"local": {"path": str(shelf), "members": names}}])
    store = tmp_path / "store"
    (store / "catalog.d").mkdir(parents=True)
    text = yaml.safe_dump({"models": [entry.model_dump(mode="json", exclude_none=True)]})
    (store / "catalog.d" / "own.yaml").write_text(text)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("EDGEBOT_MODELS_DIR", str(store))
    monkeypatch.setenv("EDGEBOT_CACHE_DIR", str(tmp_path / "cache"))
    monkeypatch.setenv("EDGEBOT_STATE_DIR", str(tmp_path / "state"))
    return store


def call(*arguments: str) -> int:
    with pytest.raises(SystemExit) as caught:
        main(list(arguments))
    assert isinstance(caught.value.code, int)
    return caught.value.code


def spoken(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_pull_list_path_verify(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("models", "pull", "tiny") == 0
    captured = capsys.readouterr()
    assert captured.out == f"tiny: ready in {store / 'tiny'}\n"
    assert "model.bin" in captured.err, "progress is told, on standard error"

    assert call("models", "list", "--json") == 0
    facts = {fact["id"]: fact for fact in spoken(capsys)}
    assert facts["tiny"].keys() >= FIELDS
    assert facts["tiny"]["state"] == "ready"
    assert facts["tiny"]["size"] == len(shop.WEIGHTS) + len(shop.TOKENS)
    assert facts["tiny"]["sha256"]["model.bin"] == shop.sha256(shop.WEIGHTS)
    assert facts["silero-vad"]["state"] == "missing"

    assert call("models", "path", "tiny") == 0
    assert capsys.readouterr().out == f"{store / 'tiny'}\n"
    assert call("models", "path", "tiny", "--json") == 0
    assert spoken(capsys)[0]["files"]["model"] == str(store / "tiny" / "model.bin")

    assert call("models", "verify") == 0
    assert capsys.readouterr().out == "tiny: ok\n"


def test_verify_exits_3_and_names_the_damage(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    call("models", "pull", "tiny")
    file = store / "tiny" / "model.bin"
    file.chmod(0o644)
    file.write_bytes(shop.WEIGHTS[:100])
    capsys.readouterr()
    assert call("models", "verify", "--json") == 3
    (problem,) = spoken(capsys)[0]["problems"]
    assert problem["file"] == str(file)
    assert problem["expected"].startswith(shop.sha256(shop.WEIGHTS))
    assert problem["found"].startswith(shop.sha256(shop.WEIGHTS[:100]))
    assert call("models", "path", "tiny") == 3
    assert "edgebot models pull tiny" in capsys.readouterr().err
    assert call("models", "pull", "tiny") == 0
    assert call("models", "verify") == 0


def test_missing_model(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("models", "path", "tiny") == 3
    assert capsys.readouterr().err == (
        "edgebot: model tiny is not on this machine; run `edgebot models pull tiny`\n"
    )


def test_source_that_fails(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (store.parent / "shelf" / "model.bin").write_bytes(b"other")
    assert call("models", "pull", "tiny") == 3
    said = capsys.readouterr().err
    assert f"expected SHA-256 {shop.sha256(shop.WEIGHTS)}" in said
    assert "Traceback" not in said


def test_unknown_model(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for verb in ("pull", "path", "verify"):
        assert call("models", verb, "tinny") == 2
        assert "did you mean 'tiny'?" in capsys.readouterr().err


@pytest.mark.parametrize("arguments", [["models", "lst"], ["models", "path"], ["models", "-x"]])
def test_wrong_calls(store: Path, arguments: list[str]) -> None:
    assert call(*arguments) == 2


def test_wrong_catalogue(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = store / "catalog.d" / "own.yaml"
    own.write_text(own.read_text().replace("engine:", "motor:"))
    assert call("models", "list") == 78
    assert f"{own}:" in capsys.readouterr().err


def test_table_is_aligned(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert call("models", "list") == 0
    head, *rows = capsys.readouterr().out.splitlines()
    column = head.index("STAGE")
    assert all(row[column - 1] == " " and row[column] != " " for row in rows)
