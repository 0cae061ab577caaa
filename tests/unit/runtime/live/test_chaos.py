"""Stages that hang or fail and devices that come and go: the daemon never goes deaf or silent.

A stage that hangs cannot be brought back within the process: it is named, and the supervisor starts
the daemon anew. Everything else is got over. What was promised before rings in any case.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any

import pytest

from edgebot.audio.room_devices import Fault
from edgebot.core.audio import RATE_HZ
from edgebot.core.errors import StoreError
from edgebot.runtime.live import ringer
from edgebot.runtime.live.daemon import Patience
from edgebot.runtime.live.health import ServiceNotifier
from tests.unit.runtime.live.toneland import Promises, Scene, scene, speech

SHORT = Patience(stall_s=1.0, answer_stall_s=1.0)
HOURS = 5 * 3600 * RATE_HZ
REPLIES = {"what time is it": ["seven"], "stop": ["yes"]}


class Frost:
    """Blocks whoever calls it, until it is thawed."""

    def __init__(self) -> None:
        self._thawed = threading.Event()
        self.reached = threading.Event()

    def __call__(self, *_: object) -> Any:
        self.reached.set()
        assert self._thawed.wait(60)

    def thaw(self) -> None:
        self._thawed.set()


class Failure:
    """Raises ``problem`` the first ``times`` it is called."""

    def __init__(self, problem: Exception, times: int = 1) -> None:
        self._problem = problem
        self.left = times

    def __call__(self, *_: object) -> Any:
        if self.left:
            self.left -= 1
            raise self._problem


def sabotage(play: Scene, stage: str, act: Callable[..., Any]) -> None:
    """Let ``act`` happen whenever ``stage`` is at its work."""
    if stage == "listener":
        voice = play.daemon.parts.ears.voice
        _before(voice, "probability", act)
    elif stage == "responder":
        _before(play.dialogue, "propose", act)
    elif stage == "synthesizer":
        play.tts.fail = act
    elif stage == "speaker":
        _before(play.room.speaker, "write", act)
    else:
        _before(play.dialogue.scheduler, "due", act)


def _before(thing: Any, method: str, act: Callable[..., Any]) -> None:
    original = getattr(thing, method)

    def both(*args: Any, **options: Any) -> Any:
        act()
        return original(*args, **options)

    setattr(thing, method, both)


def end(play: Scene) -> None:
    """Stop the daemon, whatever it is at."""
    play.daemon.order("stop")
    play.room.close()
    play.join()


@pytest.mark.parametrize("stage", ["listener", "responder", "synthesizer", "speaker", "ringer"])
def test_a_stage_that_hangs_is_named_and_what_was_promised_rings_after_the_restart(
    stage: str,
) -> None:
    frost, promises = Frost(), Promises()
    play = scene(REPLIES, patience=SHORT, promises=promises)
    sabotage(play, stage, frost)
    promises.promise("timer rings")
    play.room.say(speech("nabu what time is it"), 0.5)
    play.room.end_at(HOURS)
    play.start()
    play.wait_for(lambda: stage in {stall.stage for stall in play.daemon.health.stalls()})
    play.wait_for(lambda: bool(play.stalls))
    assert frost.reached.is_set()
    play.daemon.order("stop")  # the process is gone
    play.wait_for(lambda: play.daemon.ending)
    frost.thaw()
    play.room.close()
    play.join()
    before = list(promises.finished)
    again = scene(REPLIES, promises=promises)
    again.play(10)
    assert promises.finished == [1]
    assert before or "timer rings" in again.spoken()


def test_a_stage_that_hangs_keeps_the_supervisor_from_being_told_that_all_is_well() -> None:
    frost, told = Frost(), Beats()
    play = scene(REPLIES, patience=SHORT)
    play.daemon.parts.notifier = told
    play.room.end_at(HOURS)
    sabotage(play, "synthesizer", frost)
    play.start()
    play.wait_for(lambda: told.beats > 0)
    play.daemon.say("hello")
    play.wait_for(lambda: bool(play.stalls))
    beats = told.beats
    play.wait_for(lambda: len(play.stalls) > 2)
    assert told.beats == beats
    frost.thaw()
    end(play)


class Beats(ServiceNotifier):
    """Counts what the supervisor is told."""

    def __init__(self) -> None:
        super().__init__({})
        self.beats = 0

    def watchdog(self) -> None:
        self.beats += 1


def test_a_microphone_that_hangs_is_named() -> None:
    frost = Frost()
    play = scene(REPLIES, patience=SHORT)
    _before(play.room, "next_frame", frost)
    play.start()
    play.wait_for(lambda: "microphone" in play.stalls)
    frost.thaw()
    end(play)


def test_a_loudspeaker_that_stops_taking_the_last_of_a_reply_is_named() -> None:
    play = scene(REPLIES, patience=SHORT, speed=2.0)
    play.room.end_at(HOURS)
    play.room.speaker.pending_s = lambda: 0.2  # type: ignore[method-assign]
    play.start()
    play.daemon.say("hello")
    play.wait_for(lambda: "speaker" in play.stalls)
    end(play)


@pytest.mark.parametrize("stage", ["listener", "speaker", "ringer"])
def test_a_stage_that_fails_ends_the_daemon_with_its_reason(stage: str) -> None:
    promises = Promises()
    play = scene(REPLIES, promises=promises)
    sabotage(play, stage, Failure(RuntimeError("engine")))
    promises.promise("timer rings")
    play.room.say(speech("nabu what time is it"), 0.5)
    with pytest.raises(RuntimeError, match="engine"):
        play.play(HOURS / RATE_HZ)
    again = scene(REPLIES, promises=promises)
    again.play(10)
    assert promises.finished == [1]


def test_a_listener_that_fails_in_the_middle_of_a_question_leaves_nobody_waiting() -> None:
    play = scene(REPLIES)
    voice = play.daemon.parts.ears.voice
    original = voice.probability

    def fail_when_proposed(samples: Any) -> float:
        opening = play.daemon.listener._opening
        if opening is not None and opening.attempt is not None:
            raise RuntimeError("engine")
        return original(samples)

    voice.probability = fail_when_proposed  # type: ignore[method-assign]
    play.room.say(speech("nabu what time is it"), 0.5)
    with pytest.raises(RuntimeError, match="engine"):
        play.play(60)
    assert play.dialogue.happened == []


def test_a_stage_that_hangs_while_another_fails_is_left_behind() -> None:
    frost = Frost()
    play = scene(REPLIES, patience=SHORT)
    sabotage(play, "synthesizer", frost)
    play.room.end_at(HOURS)
    play.start()
    play.daemon.say("hello")
    play.wait_for(frost.reached.is_set)
    sabotage(play, "listener", Failure(RuntimeError("engine"), times=1000))
    play.wait_for(lambda: "synthesizer" in play.stalls)
    frost.thaw()
    with pytest.raises(RuntimeError, match="engine"):
        play.join()


def test_a_voice_that_fails_is_told_by_a_tone_and_apologized_for_when_it_is_back() -> None:
    play = scene(REPLIES)
    sabotage(play, "synthesizer", Failure(RuntimeError("voice")))
    play.room.say(speech("nabu what time is it"), 0.5)
    play.room.say(speech("nabu what time is it"), 7.0)
    play.play(12)
    assert play.spoken() == "broken sorry broken seven"


def test_a_voice_that_fails_for_good_ends_the_daemon() -> None:
    play = scene(REPLIES)
    sabotage(play, "synthesizer", Failure(RuntimeError("voice"), times=1000))
    for at_s in (0.5, 6.0, 12.0):
        play.room.say(speech("nabu what time is it"), at_s)
    with pytest.raises(RuntimeError, match="voice"):
        play.play(60)


def test_what_is_due_rings_without_a_voice_too() -> None:
    play = scene({})
    sabotage(play, "synthesizer", Failure(RuntimeError("voice"), times=1000))
    play.dialogue.scheduler.promise("timer rings")
    play.play(10)
    assert play.dialogue.scheduler.finished == [1]
    assert play.spoken().startswith("ten ten ten")


@pytest.mark.parametrize("rings", [True, False])
def test_what_could_not_be_told_is_told_again(rings: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ringer, "_AGAIN_S", 0.1)
    monkeypatch.setattr(ringer, "_STORE_AGAIN_S", 0.1)
    play = scene({}, speed=10.0)
    promises = play.dialogue.scheduler
    if rings:
        _before(promises, "ringing", Failure(StoreError("locked"), times=2))
    else:
        sabotage(play, "synthesizer", Failure(RuntimeError("voice")))
    promises.promise("timer rings", ring=rings)
    play.room.end_at(HOURS)
    play.start()
    play.wait_for(lambda: bool(promises.finished))
    end(play)
    assert promises.finished == [1]
    assert "timer rings" in play.spoken()


def test_promises_that_cannot_be_read_for_a_while_are_told_afterwards(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(ringer, "_STORE_AGAIN_S", 0.1)
    play = scene({}, speed=10.0)
    promises = play.dialogue.scheduler
    sabotage(play, "ringer", Failure(StoreError("locked")))
    promises.promise("timer rings")
    play.room.end_at(HOURS)
    play.start()
    play.wait_for(lambda: bool(promises.finished))
    end(play)
    assert "timer rings" in play.spoken()


@pytest.mark.parametrize("at_start", [False, True])
@pytest.mark.parametrize("fault", ["vanish", "stall", "zeros", "rate"])
def test_a_microphone_that_is_back_hears_within_two_seconds(fault: Fault, at_start: bool) -> None:
    play = scene(REPLIES)
    back_s = 8.0
    if at_start:
        play.room.fail(fault, back_s)
    else:
        at_s(play, 1.0, lambda: play.room.fail(fault, back_s - 1.0))
    play.room.say(speech("nabu what time is it"), back_s + 2.0)
    play.play(back_s + 6.0)
    assert play.spoken().endswith("seven")
    assert play.daemon.outages["microphone"] == 1
    assert play.stalls == []


@pytest.mark.parametrize("fault", ["vanish", "stall", "zeros", "rate", "speaker"])
def test_what_was_promised_rings_whatever_the_devices_do(
    fault: Fault, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ringer, "_AGAIN_S", 0.1)
    play = scene({}, speed=20.0, ring_s=2.0)
    promises = play.dialogue.scheduler
    play.room.fail(fault, 10.0)
    promises.promise("timer rings")
    play.room.end_at(HOURS)
    play.start()
    play.wait_for(lambda: bool(promises.finished))
    assert fault != "speaker" or play.room.seconds() > 10.0
    end(play)
    assert promises.finished == [1]
    assert "timer rings" in play.spoken()
    assert play.stalls == []


def test_a_device_that_fails_is_told_by_a_tone_once_and_so_is_its_coming_back() -> None:
    play = scene(REPLIES, speed=20.0)
    play.daemon.parts.tones["listening"] = speech("again")
    at_s(play, 1.0, lambda: play.room.fail("vanish", 5.0))
    play.play(12.0)
    assert play.spoken() == "broken again"
    assert play.daemon.outages == {"microphone": 1}


def at_s(play: Scene, seconds: float, act: Callable[[], None]) -> None:
    """Let ``act`` happen when the room's clock reaches ``seconds``."""
    original = play.room.next_frame
    done: list[bool] = []

    def next_frame() -> Any:
        if not done and play.room.seconds() >= seconds:
            done.append(True)
            act()
        return original()

    play.room.next_frame = next_frame  # type: ignore[method-assign]
