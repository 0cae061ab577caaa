"""The profile says how the language model's threads wait, before OpenMP asks."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

from edgebot.config.loader import load_settings
from edgebot.config.settings import Settings
from edgebot.runtime.language import set_waiting

LOADED = "any('gomp' in line for line in open('/proc/self/maps'))"


def test_the_settings_say_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OMP_WAIT_POLICY", raising=False)
    set_waiting(Settings.model_validate({"threads": {"waiting": "active"}}))
    assert os.environ.pop("OMP_WAIT_POLICY") == "ACTIVE"
    set_waiting(load_settings(None, {}))
    assert os.environ["OMP_WAIT_POLICY"] == "PASSIVE"


def test_whoever_set_it_before_knows_better(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMP_WAIT_POLICY", "ACTIVE")
    set_waiting(Settings())
    assert os.environ["OMP_WAIT_POLICY"] == "ACTIVE"


def test_nothing_loads_openmp_before_it_is_said() -> None:
    code = (
        "import edgebot.runtime.wiring, onnxruntime, vosk\n"
        f"print({LOADED})\n"
        "import edgebot.nlg.llama\n"
        f"print({LOADED})"
    )
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    early, late = ran.stdout.split()
    assert early == "False"
    if late == "False":
        pytest.skip("llama.cpp was built without OpenMP here")
