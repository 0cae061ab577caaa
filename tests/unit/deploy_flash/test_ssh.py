"""What a board says before anything is sent, and what ssh complains of: one sentence each."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from edgebot.config.profiles import load_profiles
from edgebot.core.errors import FlashError, ProfileUnfit, UsageError
from edgebot.deploy.board import packing
from edgebot.deploy.flash import Board, Told, ended
from edgebot.deploy.flash_probe import probe
from edgebot.deploy.ssh import ConnectionLost, Ssh

PI = """\
arch=aarch64
uid={uid}
now={now}
sudo={sudo}
python={python}
system=Debian GNU/Linux 12 (bookworm)
program=
--- proc/cpuinfo
processor : 0
Features : fp asimd evtstrm aes pmull sha1 sha2 crc32 atomics fphp asimdhp asimddp
CPU part : 0xd0b

--- proc/meminfo
MemTotal:        4137984 kB
MemAvailable:    3500000 kB

--- proc/device-tree/model
Raspberry Pi 5 Model B Rev 1.0
"""


@pytest.fixture
def answers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What the board at the other end of a pretended ssh says to everything."""
    program, said = tmp_path / "bin/ssh", tmp_path / "said"
    program.parent.mkdir()
    program.write_text(f'#!/bin/sh\ncat {said}; cat {said}.err >&2; exit "$(cat {said}.code)"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{program.parent}:{os.environ['PATH']}")
    return said


def say(said: Path, out: str = "", err: str = "", code: int = 0) -> None:
    said.write_text(out)
    said.with_name("said.err").write_text(err)
    said.with_name("said.code").write_text(str(code))


def pi(**facts: str) -> str:
    about = {"uid": "1000", "now": str(int(time.time())), "sudo": "yes", "python": "3.11"}
    return PI.format(**(about | facts))


def test_a_board_is_recognised_with_its_profile(answers: Path, root: Path) -> None:
    say(answers, pi())
    with Ssh("pi@kitchen.local") as ssh:
        found = probe(ssh, "/", time.time())
    assert (found.arch, found.python, found.root) == ("aarch64", "3.11", False)
    assert found.hardware.board == "Raspberry Pi 5 Model B Rev 1.0"
    profiles = load_profiles(sorted((root / "models/profiles").glob("*.yaml")))
    assert profiles.choose("auto", found.hardware).profile.name == "rpi5"
    with pytest.raises(ProfileUnfit):
        profiles.choose("x86", found.hardware)


@pytest.mark.parametrize(
    ("facts", "words"),
    [
        ({"sudo": "no"}, "sudo without a password"),
        ({"python": "3.9"}, "Python is 3.9 and 3.11 or newer is needed"),
        ({"python": ""}, "has no Python"),
        ({"now": "0"}, "days behind"),
        ({"now": str(int(time.time()) + 90 * 86_400)}, "90 days ahead"),
    ],
)
def test_what_must_be_mended_on_the_board_first(
    answers: Path, facts: dict[str, str], words: str
) -> None:
    say(answers, pi(**facts))
    with Ssh("pi@kitchen.local") as ssh, pytest.raises(FlashError, match=words):
        probe(ssh, "/", time.time())


def test_root_needs_no_sudo(answers: Path) -> None:
    say(answers, pi(uid="0", sudo="no"))
    with Ssh("root@kitchen.local") as ssh:
        assert probe(ssh, "/", time.time()).root


@pytest.mark.parametrize("out", ["", "Welcome to the router\n", "arch=\n"])
def test_something_that_is_no_board(answers: Path, out: str) -> None:
    say(answers, out)
    with Ssh("router") as ssh, pytest.raises(FlashError, match="is it a board"):
        probe(ssh, "/", time.time())


@pytest.mark.parametrize(
    ("err", "words", "lost"),
    [
        ("No ED25519 host key is known\nHost key verification failed.", "not known here", False),
        ("@ REMOTE HOST IDENTIFICATION HAS CHANGED! @", "another host key", False),
        ("pi@k: Permission denied (publickey).", "ssh-copy-id", False),
        ("ssh: Could not resolve hostname k: Name or service not known", "cannot be reached", True),
        ("ssh: connect to host k port 22: Connection refused", "cannot be reached", True),
        ("client_loop: send disconnect: Broken pipe", "broke", True),
        ("", "no reason given", True),
    ],
)
def test_what_ssh_complains_of(answers: Path, err: str, words: str, lost: bool) -> None:
    say(answers, err=err, code=255)
    with Ssh("pi@k") as ssh, pytest.raises(FlashError, match=words) as found:
        ssh.run("true")
    assert isinstance(found.value, ConnectionLost) == lost


@pytest.mark.parametrize(
    "host", ["-oProxyCommand=touch /tmp/x", "", "a b", "pi@host;reboot", "$(x)", "a\nb"]
)
def test_hosts_that_are_none(host: str) -> None:
    with pytest.raises(UsageError, match="no host"):
        Ssh(host)


def test_refusals_of_the_board_are_told_as_they_are(answers: Path) -> None:
    say(answers, pi())
    with Ssh("pi@k") as ssh:
        board = Board(ssh, Told())
        say(answers, 'motd\n{"ok": false, "kind": "space", "message": "no space left"}\n', code=1)
        with pytest.raises(FlashError, match="no space left"):
            board.call("offer")
        say(answers, "Traceback", "ImportError: x", code=1)
        with pytest.raises(FlashError, match="ImportError"):
            board.call("offer")


def test_the_end_of_an_update_is_success_or_a_sentence() -> None:
    assert ended({"outcome": "ok"}) == {"outcome": "ok"}
    with pytest.raises(FlashError, match="went back to 1"):
        ended({"outcome": "rolled-back", "message": "went back to 1"})


def test_the_program_is_one_file_of_the_standard_library(tmp_path: Path) -> None:
    files = packing.own_files()
    assert packing.pack(files) == packing.pack(dict(reversed(files.items())))
    program = tmp_path / "board.pyz"
    program.write_bytes(packing.pack(files))
    done = subprocess.run(
        [sys.executable, "-I", "-S", program, "--root", tmp_path, "status"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert '"current": null' in done.stdout
    for name, content in files.items():
        if name.endswith(".py"):
            assert b"import edgebot" not in content and b"from edgebot." not in content, name
