"""The talk key on devices that come and go. Pipes with the kernel's bytes stand for devices."""

from __future__ import annotations

import logging
import os
import random
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edgebot.config.key_names import CODES, code_of
from edgebot.config.sections.panel import ButtonSettings
from edgebot.panel import keys
from edgebot.panel.input_events import EVENT_BYTES, event_of, has_key, key_moves, name_of
from edgebot.panel.keys import Key
from edgebot.runtime.checks import Check, talk_key

F13, A = CODES["KEY_F13"], CODES["KEY_A"]
PATIENCE_S = 20.0


class Moves:
    """What the key did, for a thread to wait for."""

    def __init__(self) -> None:
        self.made: list[str] = []
        self._changed = threading.Condition()

    def note(self, name: str) -> None:
        with self._changed:
            self.made.append(name)
            self._changed.notify_all()

    def wait_for(self, *made: str) -> None:
        with self._changed:
            assert self._changed.wait_for(lambda: self.made == list(made), PATIENCE_S), self.made


class Board:
    """Folders like /dev/input and /sys/class/input."""

    def __init__(self, folder: Path) -> None:
        self.devices = folder / "input"
        self.described = folder / "class"
        self.devices.mkdir()
        self.moves = Moves()
        self.watched: list[Key] = []

    def plug(self, event: str, name: str = "Foot Switch", can: int = F13) -> Path:
        """A device that comes; where the bytes of its events are written to."""
        about = self.described / event / "device"
        (about / "capabilities").mkdir(parents=True, exist_ok=True)
        (about / "name").write_text(name + "\n")
        words = [f"{1 << can % 64:x}", *["0"] * (can // 64)]
        (about / "capabilities" / "key").write_text(" ".join(words) + "\n")
        path = self.devices / event
        os.mkfifo(path)
        return path

    def watch(self, code: int | None = F13, device: str | None = None) -> Key:
        note = self.moves.note
        key = Key(
            code, lambda: note("down"), lambda: note("up"), device,
            devices=self.devices, described=self.described, look_s=0.02,
        )  # fmt: skip
        self.watched.append(key)
        key.start()
        return key


@pytest.fixture
def board(tmp_path: Path) -> Iterator[Board]:
    board = Board(tmp_path)
    yield board
    for key in board.watched:
        key.close()


def opened(path: Path) -> int:
    """The writing end, once somebody reads."""
    handle: list[int] = []
    thread = threading.Thread(target=lambda: handle.append(os.open(path, os.O_WRONLY)), daemon=True)
    thread.start()
    thread.join(PATIENCE_S)
    assert handle, "nobody opened the device"
    return handle[0]


def send(handle: int, *events: bytes) -> None:
    os.write(handle, b"".join(events))


def test_a_key_goes_down_and_up_and_its_repeats_are_nothing_new(board: Board) -> None:
    path = board.plug("event3")
    board.watch()
    device = opened(path)
    send(device, event_of(F13, 1), event_of(0, 0, 0), event_of(F13, 2), event_of(F13, 2))
    board.moves.wait_for("down")
    send(device, event_of(A, 1), event_of(A, 0), event_of(F13, 0))
    board.moves.wait_for("down", "up")
    os.close(device)


def test_a_device_that_vanishes_lets_go_and_works_again_when_it_is_back(board: Board) -> None:
    path = board.plug("event3")
    board.watch()
    device = opened(path)
    send(device, event_of(F13, 1))
    board.moves.wait_for("down")
    path.unlink()
    os.close(device)
    board.moves.wait_for("down", "up")
    device = opened(board.plug("event3"))
    send(device, event_of(F13, 1), event_of(F13, 0))
    board.moves.wait_for("down", "up", "down", "up")
    os.close(device)


def test_only_devices_with_the_key_are_read(board: Board) -> None:
    board.plug("event0", "Keyboard", A)
    switch = board.plug("event1")
    board.watch()
    device = opened(switch)
    with pytest.raises(OSError):  # nobody reads the other one
        os.open(board.devices / "event0", os.O_WRONLY | os.O_NONBLOCK)
    os.close(device)


def test_any_key_of_a_device_known_by_a_part_of_its_name(board: Board) -> None:
    board.plug("event0", "Keyboard", A)
    path = board.plug("event7", "PCsensor FootSwitch Mouse", CODES["BTN_LEFT"])
    board.watch(None, "footswitch")
    device = opened(path)
    send(device, event_of(CODES["BTN_LEFT"], 1))
    board.moves.wait_for("down")
    os.close(device)
    board.moves.wait_for("down", "up")


def test_a_path_names_the_device_and_it_may_come_late(board: Board) -> None:
    link = board.devices / "by-id"
    board.watch(F13, str(link))
    path = board.plug("event5")
    link.symlink_to(path)
    device = opened(path)
    send(device, event_of(F13, 1))
    board.moves.wait_for("down")
    os.close(device)


def test_lost_events_let_go_of_the_key(board: Board) -> None:
    path = board.plug("event3")
    board.watch()
    device = opened(path)
    send(device, event_of(F13, 1), event_of(3, 0, 0))
    board.moves.wait_for("down", "up")
    os.close(device)


def test_a_key_held_on_two_devices_is_up_when_both_are(board: Board) -> None:
    one, other = board.plug("event1"), board.plug("event2")
    key = board.watch()
    first, second = opened(one), opened(other)
    send(first, event_of(F13, 1))
    board.moves.wait_for("down")
    send(second, event_of(F13, 1))
    wait_for(lambda: len(key._held) == 2)
    send(first, event_of(F13, 0))
    wait_for(lambda: key._held == {other})
    assert board.moves.made == ["down"]
    send(second, event_of(F13, 0))
    board.moves.wait_for("down", "up")
    os.close(first)
    os.close(second)


def wait_for(condition: Callable[[], bool]) -> None:
    """Until what another thread does has come about."""
    for _ in range(2000):
        if condition():
            return
        threading.Event().wait(0.01)
    raise AssertionError("it did not come about")


def test_no_right_to_read_is_said_once_with_the_group(
    board: Board, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    path = board.plug("event3")
    looks: list[Path] = []
    really = os.open

    def denied(wanted: Path, flags: int) -> int:
        if wanted == path and len(looks) < 6:
            looks.append(wanted)
            raise PermissionError(13, "Permission denied")
        return really(wanted, flags)

    monkeypatch.setattr(keys.os, "open", denied)
    board.watch()
    wait_for(lambda: len(looks) >= 6)
    assert caplog.text.count("group `input`") == 1
    device = really(path, os.O_RDWR)
    send(device, event_of(F13, 1))  # the right came, as udev gives it late
    board.moves.wait_for("down")
    os.close(device)


@pytest.mark.parametrize("what", ["file", "folder"])
def test_what_is_no_device_is_said_once_and_never_read(
    board: Board, what: str, caplog: pytest.LogCaptureFixture
) -> None:
    path = board.devices / "thing"
    if what == "file":
        path.write_bytes(event_of(F13, 1) * 3)
    else:
        path.mkdir()
    board.watch(F13, str(path))
    wait_for(lambda: "is no input device" in caplog.text)
    board.watched[0].close()
    board.watched.clear()
    assert caplog.text.count("is no input device") == 1
    assert board.moves.made == []


def test_a_key_that_is_not_there_is_said_once(
    board: Board, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    board.watch()
    wait_for(lambda: "is waited for" in caplog.text)
    device = opened(board.plug("event0"))
    send(device, event_of(F13, 1))
    board.moves.wait_for("down")
    os.close(device)
    assert caplog.text.count("is waited for") == 1


def test_closing_lets_go_of_a_key_that_is_held(board: Board) -> None:
    path = board.plug("event3")
    key = board.watch()
    device = opened(path)
    send(device, event_of(F13, 1))
    board.moves.wait_for("down")
    key.close()
    board.watched.clear()
    assert board.moves.made == ["down", "up"]
    os.close(device)


def test_any_bytes_are_borne() -> None:
    chance = random.Random(4)
    for length in (0, 1, EVENT_BYTES - 1, EVENT_BYTES + 1, 50 * EVENT_BYTES + 7):
        for code, down in key_moves(chance.randbytes(length)):
            assert -1 <= code <= 0xFFFF
            assert down in (True, False)


def test_what_devices_can_is_read_from_their_descriptions(tmp_path: Path) -> None:
    about = tmp_path / "device" / "capabilities"
    about.mkdir(parents=True)
    (about / "key").write_text("10000 0 0 1f00000 0 0 8000000 1\n")
    assert has_key(tmp_path, 7 * 64 + 16)
    assert has_key(tmp_path, 0)
    assert not has_key(tmp_path, 1)
    assert not has_key(tmp_path, 5000)
    (about / "key").write_text("no numbers at all")
    assert not has_key(tmp_path, 0)
    assert not has_key(tmp_path / "gone", 0)
    (tmp_path / "device" / "name").write_bytes(b"\xff\xfeodd\n")
    assert name_of(tmp_path).endswith("odd")


def test_the_doctor_looks_for_the_key(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    def checked(device: Path) -> Check:
        (check,) = talk_key(ButtonSettings(key="KEY_F13", device=str(device)))
        return check

    path = board.plug("event3")
    assert checked(path).status == "ok"
    assert "plug it in" in checked(board.devices / "gone").next_step
    monkeypatch.setattr(os, "access", lambda *_: False)
    assert "group input" in checked(path).next_step
    assert list(talk_key(ButtonSettings())) == []


def test_keys_have_names_and_numbers() -> None:
    assert code_of("KEY_F13") == 183
    assert code_of("key_playpause") == 164
    assert code_of("183") == 183
    assert code_of("any") is None
    with pytest.raises(ValueError, match="did you mean KEY_VOLUMEUP"):
        code_of("KEY_VOLUME_UP")
    for wrong in ("0", "768", "99999999999999999999", "", "banana", "K" * 10_000):
        with pytest.raises(ValueError, match="no key"):
            code_of(wrong)
