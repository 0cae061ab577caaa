"""Timers, alarms, reminders in the store: which clock counts, what is due, when it is told."""

from __future__ import annotations

import json
import subprocess
import sys
from datetime import time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from edgebot.dialogue.store.recurrence import Recurrence
from edgebot.dialogue.store.schedule import KEPT, is_alive, process_name
from edgebot.dialogue.store.store import Store
from tests.unit.dialogue.fakes import FakeClock

SEVEN = time(7)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock()


@pytest.fixture
def store(tmp_path: Path, clock: FakeClock) -> Store:
    return Store(tmp_path, clock)


def labels(store: Store) -> list[str]:
    return [ring.label for ring in store.schedule.due()]


def test_a_timer_rings_when_its_time_is_up_and_once(store: Store, clock: FakeClock) -> None:
    store.promises.add_timer(600, "pasta")
    clock.go(599.5)
    assert labels(store) == []
    clock.go(0.5)
    (ring,) = store.schedule.due()
    assert (ring.kind, ring.label, ring.missed) == ("timer", "pasta", False)
    assert ring.due == clock.utc()
    assert store.schedule.due() == []
    assert store.promises.open() == []


def test_what_rings_goes_on_until_it_is_done(store: Store, clock: FakeClock) -> None:
    store.promises.add_timer(1, "tea")
    clock.go(1)
    (ring,) = store.schedule.due()
    assert store.schedule.ringing() == [ring]
    store.schedule.done(ring.id)
    assert store.schedule.ringing() == []


def test_several_come_in_order(store: Store, clock: FakeClock) -> None:
    for seconds, label in ((30, "late"), (10, "early"), (20, "middle")):
        store.promises.add_timer(seconds, label)
    clock.go(40)
    assert labels(store) == ["early", "middle", "late"]


def test_what_is_next(store: Store, clock: FakeClock) -> None:
    assert store.schedule.next_due_s() is None
    store.promises.add_timer(600)
    store.promises.add("alarm", clock.utc() + timedelta(seconds=90))
    assert store.schedule.next_due_s() == pytest.approx(90)
    clock.go(1000)
    assert store.schedule.next_due_s() == 0


def test_a_paused_timer_waits(store: Store, clock: FakeClock) -> None:
    timer = store.promises.add_timer(600)
    clock.go(100)
    held = store.promises.pause(timer.id)
    assert held is not None
    assert (held.state, held.left_s, held.due) == ("paused", 500, None)
    clock.go(10_000)
    assert labels(store) == []
    assert store.promises.pause(timer.id) == held
    running = store.promises.resume(timer.id)
    assert running is not None
    assert running.left_s == pytest.approx(500)
    clock.go(500)
    assert len(store.schedule.due()) == 1


def test_time_can_be_added_to_a_running_and_to_a_paused_timer(
    store: Store, clock: FakeClock
) -> None:
    timer = store.promises.add_timer(600)
    changed = store.promises.set_left(timer.id, 900, 900)
    assert changed is not None
    assert (changed.left_s, changed.length_s) == (900, 900)
    store.promises.pause(timer.id)
    changed = store.promises.set_left(timer.id, 50, 900)
    assert changed is not None
    assert (changed.state, changed.left_s) == ("paused", 50)


def test_cancelled_is_cancelled(store: Store, clock: FakeClock) -> None:
    timer = store.promises.add_timer(10)
    assert store.promises.cancel([timer.id, 999]) == 1
    assert store.promises.cancel([timer.id]) == 0
    clock.go(10)
    assert labels(store) == []
    assert store.promises.resume(timer.id) is None
    assert store.promises.set_left(timer.id, 5, 5) is None
    assert store.promises.move(timer.id, clock.utc()) is None


def test_numbers_are_never_used_twice(store: Store) -> None:
    first = store.promises.add_timer(10)
    store.promises.cancel([first.id])
    assert store.promises.add_timer(10).id > first.id


@pytest.mark.parametrize("jump", [3600, -3600, 86_400 * 365])
def test_a_timer_keeps_what_it_has_left_when_the_clock_is_set(
    store: Store, clock: FakeClock, jump: float
) -> None:
    store.promises.add_timer(600)
    clock.go(100)
    clock.jump(jump)
    assert store.promises.open()[0].left_s == pytest.approx(500)
    assert labels(store) == []
    clock.go(499)
    assert labels(store) == []
    clock.go(1)
    (ring,) = store.schedule.due()
    assert not ring.missed


def test_after_a_restart_a_timer_follows_the_corrected_wall_clock(
    store: Store, clock: FakeClock
) -> None:
    store.promises.add_timer(600)
    clock.jump(3600)  # the network set the clock of a board that has none
    store.schedule.due()
    clock.go(100)
    clock.reboot(off_s=30)
    assert store.promises.open()[0].left_s == pytest.approx(470)


def test_an_alarm_follows_the_wall_clock(store: Store, clock: FakeClock) -> None:
    store.promises.add("alarm", clock.utc() + timedelta(hours=2), "work")
    clock.jump(7200)
    assert labels(store) == ["work"]


def test_an_alarm_that_was_told_is_not_told_again_when_the_clock_is_put_back(
    store: Store, clock: FakeClock
) -> None:
    store.promises.add("alarm", clock.utc() + timedelta(seconds=10), "work")
    daily = Recurrence(tuple(range(7)), clock.local().time().replace(second=0, microsecond=0))
    store.promises.add_recurring("alarm", daily, "daily")
    clock.go(10)
    assert labels(store) == ["work"]
    clock.jump(-60)
    assert labels(store) == []


def test_what_came_due_while_the_power_was_off_is_missed(store: Store, clock: FakeClock) -> None:
    store.promises.add_timer(600, "pasta")
    store.promises.add("reminder", clock.utc() + timedelta(minutes=20), "call")
    clock.reboot(off_s=3600)
    rings = store.schedule.due()
    assert [(ring.label, ring.missed) for ring in rings] == [("pasta", True), ("call", True)]


def test_a_little_late_still_rings(store: Store, clock: FakeClock) -> None:
    store.promises.add_timer(600)
    clock.reboot(off_s=650)
    (ring,) = store.schedule.due()
    assert not ring.missed


def test_a_recurring_alarm_comes_again(store: Store, clock: FakeClock) -> None:
    alarm = store.promises.add_recurring("alarm", Recurrence((0, 1, 2, 3, 4), SEVEN), "work")
    assert alarm.due is not None
    assert alarm.due.isoformat() == "2024-05-15T05:00:00+00:00"
    clock.go((alarm.due - clock.utc()).total_seconds())
    assert labels(store) == ["work"]
    (again,) = store.promises.open("alarm")
    assert again.id == alarm.id
    assert again.due is not None
    assert again.due.isoformat() == "2024-05-16T05:00:00+00:00"


def test_a_week_off_is_one_missed_alarm_and_not_seven(store: Store, clock: FakeClock) -> None:
    store.promises.add_recurring("alarm", Recurrence(tuple(range(7)), SEVEN), "work")
    clock.reboot(off_s=7 * 86_400)
    (ring,) = store.schedule.due()
    assert ring.missed
    assert store.promises.open()[0].left_s > 0


def test_a_recurring_alarm_keeps_the_zone_it_was_set_in(tmp_path: Path, clock: FakeClock) -> None:
    Store(tmp_path, clock).promises.add_recurring("alarm", Recurrence((2,), SEVEN))
    moved = FakeClock("2024-05-15T07:00")
    moved.zone = ZoneInfo("America/New_York")
    store = Store(tmp_path, moved)
    assert len(store.schedule.due()) == 1
    (alarm,) = store.promises.open()
    assert alarm.due is not None
    assert alarm.due.isoformat() == "2024-05-22T05:00:00+00:00"


def test_two_processes_do_not_both_tell_it(tmp_path: Path, clock: FakeClock) -> None:
    ours, theirs = Store(tmp_path, clock), Store(tmp_path, clock)
    ours.promises.add_timer(10)
    clock.go(10)
    assert len(theirs.schedule.due()) + len(ours.schedule.due()) == 1


def test_what_a_dead_process_was_telling_is_told_again(
    tmp_path: Path, store: Store, clock: FakeClock
) -> None:
    store.promises.add_timer(10, "tea")
    clock.go(10)
    store.schedule.due()
    store.file.write(
        lambda db: db.conn.execute("UPDATE rings SET owner = ?", [json.dumps(["old", 1, "1"])])
    )
    heir = Store(tmp_path, clock)
    assert [(ring.label, ring.missed) for ring in heir.schedule.due()] == [("tea", False)]
    assert heir.schedule.due() == []
    clock.go(500)
    assert heir.schedule.due() == []


def test_a_process_is_known_by_more_than_its_number() -> None:
    child = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE)
    mine = json.loads(process_name("boot"))
    assert is_alive(json.dumps(mine), "boot")
    assert not is_alive(json.dumps(mine), "another boot")
    assert not is_alive(json.dumps(["boot", child.pid, mine[2]]), "boot")
    child.kill()
    child.wait()
    assert not is_alive(json.dumps(["boot", child.pid, "5"]), "boot")


def test_what_is_long_over_is_forgotten(store: Store, clock: FakeClock) -> None:
    store.promises.add_timer(10, "secret")
    clock.go(10)
    (ring,) = store.schedule.due()
    store.schedule.done(ring.id)
    clock.go(KEPT.total_seconds() + 60)
    store.promises.add_timer(1)
    clock.go(1)
    store.schedule.due()
    assert store.promises.get(ring.promise_id) is None
