"""Every example of docs/server.md does what it says."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "server.md").read_text()
EXAMPLES = re.findall(r"^ {4}(curl (?:.*\\\n)*.*)$", PAGE, re.MULTILINE)


def test_there_are_some() -> None:
    assert len(EXAMPLES) > 7


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is missing")
@pytest.mark.parametrize("example", EXAMPLES)
def test_it_runs(board: Any, example: str, tmp_path: Path) -> None:
    command = example.replace("http://127.0.0.1:8600", board.url)
    command = command.replace("reply.wav", str(tmp_path / "reply.wav"))
    done = subprocess.run(
        ["bash", "-c", command], capture_output=True, text=True, cwd=ROOT, timeout=60, check=True
    )
    if "reply.wav" in command:
        assert (tmp_path / "reply.wav").read_bytes()[:4] == b"RIFF"
    elif '"kind": "timer"' in command:
        assert json.loads(done.stdout)["error"]["code"] == "invalid"
    else:
        assert "error" not in json.loads(done.stdout)


def test_what_it_names_is_there(board: Any) -> None:
    with board.client() as client:
        described = client.get("/openapi.json").json()["paths"]
    for path in set(re.findall(r"`(?:[A-Z, `]* )?(/(?:api|healthz|readyz)[a-z/{}]*)`", PAGE)):
        assert path in described or path == "/api/events", path
