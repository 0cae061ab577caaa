"""The command line as a person or a script calls it: a process of its own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[2]


class Outcome:
    """What a call came to."""

    def __init__(self, done: subprocess.CompletedProcess[str]) -> None:
        self.code = done.returncode
        self.out = done.stdout
        self.err = done.stderr

    @property
    def objects(self) -> list[dict[str, Any]]:
        """One JSON object a line of standard output."""
        return [json.loads(line) for line in self.out.splitlines()]


Edgebot = Callable[..., Outcome]


@pytest.fixture(scope="session")
def edgebot(tmp_path_factory: pytest.TempPathFactory, state_with_knowledge: Path) -> Edgebot:
    """Call ``edgebot WORDS…`` with a state directory of the tests' own and the small model."""
    state = tmp_path_factory.mktemp("state")
    shutil.copytree(state_with_knowledge, state, dirs_exist_ok=True)

    def call(*words: str | Path, stdin: str | bytes = "", timeout_s: float = 300) -> Outcome:
        environ = {
            **os.environ,
            "EDGEBOT_STATE_DIR": str(state),
            "EDGEBOT_LLM__MODEL": "smollm2-135m-instruct-q4_1",
            "EDGEBOT_LLM__SEED": "1",
        }
        done = subprocess.run(
            [sys.executable, "-m", "edgebot.cli", *map(str, words)],
            input=stdin.encode() if isinstance(stdin, str) else stdin,
            capture_output=True,
            env=environ,
            cwd=state,
            timeout=timeout_s,
            check=False,
        )
        text = subprocess.CompletedProcess(
            done.args, done.returncode, done.stdout.decode(), done.stderr.decode(errors="replace")
        )
        return Outcome(text)

    return call
