"""A life of one board: first boot, a power cut, an update, a bad release, a spoken question."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from tests.board.container import Container
from tests.board.machine import Machine
from tests.board.reach import Reached, wait_for

EDGEBOT = str(Path(sys.executable).with_name("edgebot"))
ROOT = Path(__file__).resolve().parents[2]
QUESTION = ROOT / "edgebot/deploy/board/question.wav"
LIMIT_S = 1500
"""Emulated, everything takes ten to twenty times as long."""

CUT_AT = "migrate"
"""Step of the update at which the power goes: the data is being copied, nothing is switched."""

ANSWER_S = 240
"""How long the loudspeaker is listened to for an answer."""

HARDENED = 2.0
"""Most that `systemd-analyze security` may say."""

BREAK = (
    "f=$(readlink -f /opt/edgebot/current/bin/edgebot) && rm $f && "
    "printf '#!/bin/sh\\nexit 1\\n' > $f && chmod 755 $f && sync && systemctl restart edgebot"
)


def play(
    machine: Machine, first: Path, second: Path, public: Path, say: Callable[[str], None]
) -> dict[str, Any]:
    """Everything in turn; the figures. Raises ``SystemExit`` at what is not as promised."""
    figures: dict[str, Any] = {}
    say("machine: disk with the first release")
    a = machine.prepare(first, public)
    try:
        figures["first_boot_to_listening_s"] = power_on(machine)
        lacked = machine.ssh("dpkg-query -W -f '${Status}' libportaudio2")
        if "ok installed" not in lacked:
            raise SystemExit(f"the first boot has not installed libportaudio2: {lacked}")
        figures["security"] = exposure(machine)
        say(
            f"machine: first boot {figures['first_boot_to_listening_s']} s, release {a}, exposure "
            f"{figures['security']}; power off and on"
        )
        machine.stop()
        figures["on_to_listening_s"] = power_on(machine)
        expect(machine, a, "after a boot")
        say(f"machine: listens {figures['on_to_listening_s']} s after power-on; power cut")
        cut_in_update(machine, second, public)
        expect(machine, a, "after a power cut in an update")
        say("machine: the old release answers; the update again, whole")
        figures |= update_and_back(machine, a, second, public, say)
        say("machine: question aloud")
        figures["heard"] = ask_aloud(machine)
        say(f"machine: {figures['heard']}")
    finally:
        machine.stop()
    return figures


def contained(
    board: Container, first: Path, second: Path, public: Path, say: Callable[[str], None]
) -> dict[str, Any]:
    """The same without emulation, and what needs a network: cold flash, update, going back."""
    figures: dict[str, Any] = {}
    board.prepare()
    try:
        board.start()
        figures["ssh_s"] = round(board.wait_for_ssh())
        say(f"container: up after {figures['ssh_s']} s; cold flash")
        figures["cold_flash"] = flash(board, first, public)
        a = str(figures["cold_flash"]["release"])
        figures["security"] = exposure(board)
        cut_off(board)
        say(f"container: {figures['cold_flash']}; exposure {figures['security']}; update")
        figures |= update_and_back(board, a, second, public, say)
    finally:
        board.stop()
    return figures


def update_and_back(
    board: Reached, release: str, second: Path, public: Path, say: Callable[[str], None]
) -> dict[str, Any]:
    """Update from ``release`` to the bundle ``second``, then break that: it must go back."""
    update = flash(board, second, public)
    expect(board, str(update["release"]), "after the update")
    say(f"{update}; it crashes from now on")
    rollback_s = crash(board, release)
    expect(board, release, "after the rollback")
    say(f"back to {release} by itself after {rollback_s} s")
    return {"update": update, "rollback_s": rollback_s}


def cut_off(board: Reached) -> None:
    """Raise unless the kernel keeps the service from sending anything beyond this machine."""
    line = (
        "systemd-run --quiet --pipe --wait -p IPAddressDeny=any -p IPAddressAllow=localhost "
        "python3 -c 'import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); "
        's.sendto(b"x", ("127.0.0.1", 9)); s.connect(("192.0.2.1", 9)); s.send(b"x")\' 2>&1'
    )
    board.ssh("ip addr add 192.0.2.1/32 dev lo")  # an address that is not this machine's own net
    said = board.ssh(line, check=False)
    if "not permitted" not in said:
        raise SystemExit(f"the kernel does not keep a service from the network: {said!r}")


def flash_command(machine: Reached, bundle: Path, public: Path) -> list[str]:
    command = [EDGEBOT, "flash", "board", "--bundle", str(bundle), "--trust", str(public)]
    return [*command, "--ssh-config", str(machine.config), "--limit", str(LIMIT_S), "--json"]


def flash(machine: Reached, bundle: Path, public: Path) -> dict[str, Any]:
    """Flash over ssh; what it cost."""
    before = written(machine) if isinstance(machine, Machine) else 0
    began = time.monotonic()
    done = subprocess.run(
        flash_command(machine, bundle, public),
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        cwd=ROOT,
        check=False,
    )
    lines = [json.loads(line) for line in done.stdout.splitlines() if line.startswith("{")]
    state = lines[-1] if lines else {}
    if done.returncode or state.get("outcome") != "ok":
        journal = machine.ssh("journalctl -u edgebot -n 30 --no-pager", check=False)
        raise SystemExit(f"flash failed:\n{done.stdout}{done.stderr[-3000:]}\n{journal}")
    machine.ssh("sync")
    return {
        **{key: state.get(key) for key in ("release", "spans", "reply", "bytes_sent")},
        "seconds": round(time.monotonic() - began),
        "bytes_written": written(machine) - before if isinstance(machine, Machine) else None,
    }


def written(machine: Machine) -> int:
    """Bytes that the machine has written to its disk since it was switched on."""
    return 512 * int(machine.ssh("cat /sys/block/vda/stat").split()[6])


def exposure(machine: Reached) -> float:
    """What systemd says about the running service."""
    text = machine.ssh("systemd-analyze security edgebot.service --no-pager | tail -1")
    match = re.search(r"edgebot\.service: ([0-9.]+)", text)
    if match is None or float(match[1]) > HARDENED:
        raise SystemExit(f"the service is not hardened as promised: {text}")
    return float(match[1])


def listening(machine: Reached) -> bool:
    """Whether the service has said that it hears."""
    state = machine.ssh("systemctl show edgebot -p ActiveState -p StatusText", check=False)
    return "ActiveState=active" in state


def power_on(machine: Machine) -> int:
    """Seconds from power-on until the service listens."""
    began = time.monotonic()
    machine.start()
    machine.wait_for_ssh()
    wait_for("the service", lambda: listening(machine), LIMIT_S, 2)
    return round(time.monotonic() - began)


def expect(machine: Reached, release: str, when: str) -> None:
    """Raise unless ``release`` is in force and its service answers."""
    wait_for(f"the service {when}", lambda: listening(machine), LIMIT_S, 2)
    current = machine.ssh("basename $(readlink /opt/edgebot/current)")
    if current != release:
        status = machine.ssh("python3 -I /opt/edgebot/board.pyz status", check=False)
        raise SystemExit(f"{when} release {current} is in force and not {release}: {status}")


def ask_aloud(machine: Machine) -> str:
    """Play a question into the microphone; what was spoken at the loudspeaker, in words."""
    wav = QUESTION.read_bytes()
    subprocess.run(
        [*machine.ssh_command(), "cat > /tmp/question.wav"],
        input=wav,
        check=True,
    )
    # Push to talk, since a wake word is not the point; in one line, since the microphone closes
    # after some seconds in which nobody speaks.
    machine.ssh(
        f"arecord -q -D plughw:Loopback,1,0 -f S16_LE -r 16000 -c 1 -d {ANSWER_S} /tmp/spoken.wav "
        "& sleep 2; systemctl kill -s USR1 edgebot; "
        "aplay -q -D plughw:Loopback,1,1 /tmp/question.wav; wait"
    )
    spoken = machine.folder / "spoken.wav"
    with spoken.open("wb") as file:
        subprocess.run(
            [*machine.ssh_command(), "cat /tmp/spoken.wav"],
            stdout=file,
            check=True,
        )
    heard = subprocess.run(
        [EDGEBOT, "transcribe", str(spoken)], capture_output=True, text=True, cwd=ROOT, check=False
    )
    words = heard.stdout.strip()
    if not re.search(r"\b35\b|thirty", words):
        raise SystemExit(f"the spoken answer was {words!r}\n{heard.stderr[-500:]}")
    return words


def cut_in_update(machine: Machine, bundle: Path, public: Path) -> None:
    """Cut the power while the update is at :data:`CUT_AT`, and switch it on again."""
    flashing = subprocess.Popen(
        flash_command(machine, bundle, public),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        cwd=ROOT,
    )
    try:
        step = f'grep -q \'"step": "{CUT_AT}"\' /opt/edgebot/journal.json && echo there'
        wait_for(f"step {CUT_AT}", lambda: machine.ssh(step, check=False) == "there", LIMIT_S, 0.2)
        machine.cut_power()
    finally:
        flashing.terminate()
        flashing.wait()
    machine.start()
    machine.wait_for_ssh()


def crash(machine: Reached, release: str) -> int:
    """Break the release in force; seconds until the one before is in force."""
    machine.ssh(BREAK, check=False)
    back = f"test $(basename $(readlink /opt/edgebot/current)) = {release} && echo back"
    return round(wait_for("rollback", lambda: machine.ssh(back, check=False) == "back", LIMIT_S, 2))
