"""The simulated room: clock, echo, voices, lock step."""

from __future__ import annotations

import threading
import tracemalloc

import numpy as np
import pytest

from edgebot.audio.acoustics import Acoustics
from edgebot.audio.room import Room
from edgebot.audio.room_devices import FRAME
from edgebot.core.audio import RATE_HZ, AudioFrame, Samples

QUIET = Acoustics(echo_db=None, noise_dbfs=None)


def speech(seconds: float, rate_hz: int = RATE_HZ, level: float = 3000.0, seed: int = 5) -> Samples:
    """Something as irregular as speech."""
    noise = np.random.default_rng(seed).standard_normal(round(seconds * rate_hz))
    return (noise * level).astype(np.int16)


def level_db(samples: Samples) -> float:
    return float(20 * np.log10(np.sqrt(np.mean(samples.astype(float) ** 2)) / 32768 + 1e-12))


def record(room: Room, seconds: float) -> Samples:
    room.end_at(room.position + round(seconds * RATE_HZ / FRAME) * FRAME)
    return np.concatenate([frame.samples for frame in room.microphone.frames()])


def play(room: Room, samples: Samples, rate_hz: int = RATE_HZ) -> threading.Thread:
    """Write from a thread of its own, as the daemon does; the room is busy until it has."""
    done = threading.Event()
    room.busy = lambda: not done.is_set()

    def write() -> None:
        for start in range(0, len(samples), 1000):
            room.speaker.write(AudioFrame(samples[start : start + 1000], rate_hz, start))
        done.set()

    thread = threading.Thread(target=write, daemon=True)
    thread.start()
    return thread


def test_frames_count_the_clock() -> None:
    room = Room(QUIET)
    room.end_at(5 * FRAME)
    starts = [(frame.start, len(frame.samples)) for frame in room.microphone.frames()]
    assert starts == [(n * FRAME, FRAME) for n in range(5)]
    assert room.position == 5 * FRAME


def test_a_voice_is_heard_where_it_was_put() -> None:
    room = Room(QUIET)
    voice = speech(0.5)
    where = room.say(voice, at_s=0.25)
    heard = record(room, 1.0)
    assert where == range(4000, 4000 + len(voice))
    assert np.array_equal(heard[where.start : where.stop], voice)
    assert not heard[: where.start].any() and not heard[where.stop :].any()


def test_a_voice_in_the_past_begins_now() -> None:
    room = Room(QUIET)
    record(room, 0.32)
    assert room.say(speech(0.1), at_s=0.0).start == room.position


def test_two_voices_add_up() -> None:
    room = Room(QUIET)
    one, two = speech(0.2, seed=1), speech(0.2, seed=2)
    room.say(one, at_s=0.0)
    room.say(two, at_s=0.0)
    assert np.array_equal(record(room, 0.2)[: len(one)], (one + two)[: 6 * FRAME])


@pytest.mark.parametrize("echo_db", [-40.0, -20.0, -10.0])
def test_the_echo_has_the_level_asked_for(echo_db: float) -> None:
    room = Room(Acoustics(echo_db=echo_db, noise_dbfs=None))
    played = speech(2.0)
    thread = play(room, played)
    heard = record(room, 2.0)
    thread.join()
    assert level_db(heard) - level_db(played) == pytest.approx(echo_db, abs=1.0)
    assert room.echo_db() == pytest.approx(level_db(heard), abs=2.0)


def test_the_echo_comes_after_the_delay() -> None:
    room = Room(Acoustics(delay_ms=40.0, noise_dbfs=None))
    thread = play(room, speech(0.5))
    heard = record(room, 0.5)
    thread.join()
    assert np.flatnonzero(heard)[0] == pytest.approx(640, abs=2)


def test_lock_step_leaves_no_gaps_and_repeats_exactly() -> None:
    def run() -> tuple[Samples, list[AudioFrame]]:
        room = Room(Acoustics(seed=3))
        thread = play(room, speech(3.0, 22_050), 22_050)
        heard = record(room, 4.0)
        thread.join()
        assert room.underruns == 0
        return heard, room.heard()

    (first, played), (second, _) = run(), run()
    assert np.array_equal(first, second)
    assert len(played) == 1
    assert played[0].duration_s == pytest.approx(3.0, abs=0.01)


def test_the_clock_stands_still_while_a_reply_is_prepared() -> None:
    room = Room(QUIET)
    preparing = threading.Event()
    room.busy = lambda: not preparing.is_set()
    frames = room.microphone.frames()
    reader = threading.Thread(target=next, args=(frames,), daemon=True)
    reader.start()
    reader.join(0.05)
    assert room.position == 0
    preparing.set()
    reader.join()
    assert room.position == FRAME


def test_a_reply_drains_even_while_busy() -> None:
    """The daemon may call itself busy until the last sample was heard."""
    room = Room(QUIET)
    room.busy = lambda: room.speaker.pending_s() > 0
    room.speaker.write(AudioFrame(speech(0.1, 22_050), 22_050))
    record(room, 1.0)
    assert room.speaker.pending_s() == 0
    assert room.heard()[0].duration_s == pytest.approx(0.1, abs=0.005)


def test_flush_plays_what_is_less_than_a_frame_at_once() -> None:
    room = Room(QUIET, clock=lambda: 0.0)  # no wait would ever end
    room.busy = lambda: room.speaker.pending_s() > 0
    room.speaker.write(AudioFrame(speech(0.1, 22_050), 22_050))
    room.speaker.flush()
    record(room, 0.32)
    assert room.speaker.pending_s() == 0


def test_stop_silences_the_next_frame_and_frees_the_writer() -> None:
    room = Room(QUIET)
    writer = threading.Thread(
        target=room.speaker.write, args=(AudioFrame(speech(30.0)),), daemon=True
    )
    writer.start()
    while not room.speaker.pending_s():
        pass
    frames = room.microphone.frames()
    for _ in range(10):
        next(frames)
    room.speaker.stop()
    writer.join(5)
    assert not writer.is_alive()
    next(frames)
    assert [frame.end for frame in room.heard()] == [10 * FRAME]
    assert room.speaker.pending_s() == 0


def test_writing_waits_for_the_buffer() -> None:
    room = Room(QUIET, buffer_s=0.1)
    writer = threading.Thread(
        target=room.speaker.write, args=(AudioFrame(speech(1.0)),), daemon=True
    )
    writer.start()
    while not room.speaker.pending_s():
        pass
    frames = room.microphone.frames()
    for _ in range(int(0.85 * RATE_HZ / FRAME)):
        next(frames)
    assert writer.is_alive() or room.speaker.pending_s() <= 0.1
    for _ in range(10):
        next(frames)
    writer.join(5)
    assert not writer.is_alive()


def test_gain_is_heard() -> None:
    room = Room(QUIET)
    room.speaker.set_gain(0.5)
    thread = play(room, speech(1.0))
    record(room, 1.2)
    thread.join()
    played = room.heard()[0].samples[FRAME:]
    assert level_db(played) == pytest.approx(level_db(speech(1.0)) - 6.02, abs=0.2)


def test_noise_has_its_level_and_its_seed() -> None:
    one = record(Room(Acoustics(noise_dbfs=-50.0, seed=1)), 31.0)
    other = record(Room(Acoustics(noise_dbfs=-50.0, seed=2)), 31.0)
    assert level_db(one) == pytest.approx(-50.0, abs=0.2)
    assert not np.array_equal(one, other)


def test_given_noise_is_looped() -> None:
    noise = speech(0.1)
    heard = record(Room(Acoustics(noise=noise, noise_dbfs=level_db(noise))), 0.32)
    assert np.allclose(heard[:1600], heard[1600:3200], atol=1)
    assert np.allclose(heard[:1600], noise, atol=2)


def test_loud_voices_clip_and_do_not_wrap() -> None:
    room = Room(QUIET)
    loud = np.full(FRAME, 30_000, np.int16)
    room.say(loud, 0.0)
    room.say(loud, 0.0)
    assert (record(room, 0.032) == 32767).all()


def test_close_ends_everything() -> None:
    room = Room(QUIET)
    writer = threading.Thread(
        target=room.speaker.write, args=(AudioFrame(speech(30.0)),), daemon=True
    )
    writer.start()
    room.close()
    writer.join(5)
    assert not writer.is_alive()
    assert list(room.microphone.frames()) == []
    room.speaker.write(AudioFrame(speech(30.0)))
    assert room.speaker.pending_s() == 0


def test_waiting_for_a_reply_that_never_comes_is_an_error() -> None:
    ticks = iter(range(0, 1000, 10))
    room = Room(QUIET, clock=lambda: float(next(ticks)))
    room.busy = lambda: True
    with pytest.raises(TimeoutError, match="busy for 60 s"):
        next(room.microphone.frames())


def test_pacing_sleeps_to_the_wall_clock() -> None:
    """A clock far ahead: frames that are due come without a wait."""
    now = [0.0]
    room = Room(QUIET, speed=2.0, clock=lambda: now[0])
    frames = room.microphone.frames()
    now[0] = 0.0
    next(frames)
    now[0] = 100.0
    for _ in range(100):
        next(frames)
    assert room.position == 101 * FRAME


def test_late_writes_are_gaps_when_paced() -> None:
    now = [0.0]

    def clock() -> float:
        now[0] += 1.0
        return now[0]

    room = Room(QUIET, speed=1.0, clock=clock)
    room.busy = lambda: True
    frames = room.microphone.frames()
    room.speaker.write(AudioFrame(speech(0.1)))
    for _ in range(10):
        next(frames)
    room.speaker.write(AudioFrame(speech(0.1)))
    for _ in range(10):
        next(frames)
    assert len(room.heard()) == 2
    assert room.underruns == 2


def test_an_hour_costs_no_memory() -> None:
    room = Room(remember_s=1.0)
    record(room, 40.0)
    tracemalloc.start()
    before = tracemalloc.get_traced_memory()[0]
    for _ in range(20):
        room.say(speech(1.0))
        thread = play(room, speech(1.0))
        record_without_keeping(room, 3.0)
        thread.join()
    after = tracemalloc.get_traced_memory()[0]
    tracemalloc.stop()
    assert after - before < 500_000


def record_without_keeping(room: Room, seconds: float) -> None:
    room.end_at(room.position + round(seconds * RATE_HZ / FRAME) * FRAME)
    for _ in room.microphone.frames():
        pass
