"""What the README's two commands rest on."""

from __future__ import annotations

import re
import subprocess
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.e2e.conftest import Edgebot

ROOT = Path(__file__).resolve().parents[2]
DEMO = ROOT / "docs" / "demo" / "question.wav"


@pytest.mark.engines
def test_the_demo_question_is_heard_answered_and_spoken(edgebot: Edgebot, tmp_path: Path) -> None:
    reply = tmp_path / "reply.wav"
    outcome = edgebot("turn", DEMO, "--out", reply, "--json")
    assert outcome.code == 0, outcome.err
    (answer,) = outcome.objects
    assert answer["transcript"] == "why is the sky blue"
    assert answer["reply"]
    assert answer["route"] in {"command", "knowledge", "llm", "repair"}
    assert set(answer) >= {"intent", "slots", "sources"}
    timings = answer["timings_ms"]
    assert set(timings) >= {"stt", "nlu", "first_token", "first_audio", "total"}
    assert 0 < timings["first_audio"] <= timings["total"]
    samples, rate_hz = soundfile.read(reply)
    assert len(samples) / rate_hz > 0.5
    assert np.abs(samples).max() > 0.05


@pytest.mark.engines
def test_people_read_what_was_heard_and_where_the_time_went(
    edgebot: Edgebot, tmp_path: Path
) -> None:
    outcome = edgebot("turn", DEMO, "--out", tmp_path / "reply.wav")
    assert outcome.code == 0, outcome.err
    for word in ("heard", "answer", "time", "first_audio"):
        assert word in outcome.out


def test_every_make_target_has_its_line_in_help() -> None:
    text = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):", text, re.MULTILINE))
    shown = subprocess.run(
        ["make", "-s", "help"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout
    assert targets == set(re.findall(r"^\s*(?:\x1b\[1m)?([a-z-]+)", shown, re.MULTILINE))


def test_the_readme_names_the_two_commands() -> None:
    readme = (ROOT / "README.md").read_text()
    block = re.search(r"^```sh\n(.*?)^```", readme, re.MULTILINE | re.DOTALL)
    assert block
    assert "make run" in block[1]
    assert "make test" in block[1]


def test_continuous_integration_runs_the_readmes_test_command() -> None:
    assert "make test" in (ROOT / ".ci" / "run").read_text()
