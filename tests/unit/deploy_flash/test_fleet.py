"""The Ansible playbook: canaries first, and the first failure stops the rest."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

import edgebot.deploy

FLEET = Path(edgebot.deploy.__file__).parent / "fleet"

COMMAND = """\
import json, sys
host = sys.argv[2]
with open({log!r}, "a") as log:
    log.write(" ".join(sys.argv[1:]) + "\\n")
if host.endswith({bad!r}):
    sys.exit("edgebot: went back to release 1: it answered wrongly")
print(json.dumps({{"message": "release 2 answers", "outcome": "ok"}}))
"""


def play(tmp_path: Path, bad: str) -> tuple[int, list[str]]:
    """Flash four boards of which ``bad`` fails; exit code and the calls, in order."""
    program = Path(sys.executable).with_name("ansible-playbook")
    if not program.exists():
        found = shutil.which("ansible-playbook")
        if found is None:
            pytest.skip("no ansible here")
        program = Path(found)
    log = tmp_path / "log"
    log.write_text("")
    (tmp_path / "edgebot.py").write_text(COMMAND.format(log=str(log), bad=bad))
    inventory = {
        "edgebot": {
            "hosts": {
                f"board-{number}": {"ansible_host": f"10.0.0.{number}"} for number in range(4)
            },
            "vars": {
                "ansible_user": "pi",
                "edgebot_canary": 1,
                "edgebot_batch": 2,
                "edgebot_bundle": "some.bundle",
                "edgebot_trust": "maker.pub",
                "edgebot_command": [sys.executable, str(tmp_path / "edgebot.py")],
            },
        }
    }
    (tmp_path / "inventory.yml").write_text(yaml.safe_dump(inventory))
    done = subprocess.run(
        [program, "-i", tmp_path / "inventory.yml", FLEET / "flash.yml"],
        capture_output=True, text=True, timeout=300, check=False, cwd=FLEET,
        env={**os.environ, "HOME": str(tmp_path), "ANSIBLE_LOCAL_TEMP": str(tmp_path / "t"),
             "ANSIBLE_ROLES_PATH": str(FLEET / "roles"), "LC_ALL": "C.UTF-8"},
    )  # fmt: skip
    assert "ERROR!" not in done.stderr, done.stderr
    return done.returncode, log.read_text().splitlines()


def test_all_boards_are_flashed_one_canary_first(tmp_path: Path) -> None:
    code, calls = play(tmp_path, bad="none")
    assert code == 0
    assert len(calls) == 4
    words = "flash pi@10.0.0.0 --bundle some.bundle --profile auto --limit 600 --json"
    assert calls[0] == f"{words} --trust maker.pub"


@pytest.mark.parametrize(("bad", "spared"), [("0.0.0", "123"), ("0.0.1", "3")])
def test_the_first_failure_stops_the_rest(tmp_path: Path, bad: str, spared: str) -> None:
    code, calls = play(tmp_path, bad)
    assert code != 0
    assert calls
    assert not [line for line in calls for number in spared if f"10.0.0.{number} " in line]


def test_the_example_inventory_is_one() -> None:
    inventory = yaml.safe_load((FLEET / "inventory.example.yml").read_text())
    assert set(inventory["edgebot"]["children"]) == {"kitchens", "lifts"}
