"""`edgebot serve` as a process: refusals, a life, an end."""

from __future__ import annotations

import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import httpx
import pytest

from edgebot.core.errors import ConfigError

PATIENCE_S = 180.0


def environ(state: Path, **more: str) -> dict[str, str]:
    return {
        **os.environ,
        "EDGEBOT_STATE_DIR": str(state),
        "EDGEBOT_LLM__MODEL": "smollm2-135m-instruct-q4_1",
        **more,
    }


@pytest.mark.parametrize("verb", ["run", "serve"])
def test_a_lan_address_without_a_token_is_refused(tmp_path: Path, verb: str) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "edgebot.cli", verb],
        env=environ(tmp_path, EDGEBOT_SERVER__HOST="0.0.0.0"),
        cwd=tmp_path,
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )
    assert done.returncode == ConfigError.exit_code
    assert "edgebot server token" in done.stderr


def test_a_token_is_made_and_shown_once(tmp_path: Path) -> None:
    def call(*words: str) -> str:
        return subprocess.run(
            [sys.executable, "-m", "edgebot.cli", "server", *words],
            env=environ(tmp_path), cwd=tmp_path, capture_output=True, text=True,
            timeout=PATIENCE_S, check=True,
        ).stdout  # fmt: skip

    token = call("token").strip()
    assert token.startswith("edgebot_")
    kept = [one.read_text() for one in tmp_path.rglob("*") if one.is_file()]
    assert kept and not any(token in text for text in kept)
    assert call("token", "--remove").strip() == "no token is needed any more"
    assert "SHA-256 " in call("certificate")


@pytest.mark.engines
def test_it_serves_and_ends(tmp_path: Path, state_with_knowledge: Path) -> None:
    state = tmp_path / "state"
    shutil.copytree(state_with_knowledge, state)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    process = subprocess.Popen(
        [sys.executable, "-m", "edgebot.cli", "serve"],
        env=environ(state, EDGEBOT_SERVER__PORT=str(port)),
        cwd=tmp_path,
        stderr=subprocess.DEVNULL,
    )
    try:
        url = f"http://127.0.0.1:{port}"
        end = time.monotonic() + PATIENCE_S
        while True:
            try:
                if httpx.get(f"{url}/readyz").status_code == 200:
                    break
            except httpx.ConnectError:
                pass
            assert process.poll() is None and time.monotonic() < end
            time.sleep(0.1)
        said = httpx.post(f"{url}/api/ask", json={"text": "what is two plus three"}, timeout=60)
        assert "five" in said.json()["reply"].lower()
        process.send_signal(signal.SIGTERM)
        assert process.wait(PATIENCE_S) == 0
    finally:
        process.kill()
