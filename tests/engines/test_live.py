"""The whole daemon with the real engines, in a simulated room that waits for it."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager

import numpy as np
import pytest
import soxr

from edgebot.audio.acoustics import Acoustics
from edgebot.audio.echo import EchoCanceller
from edgebot.audio.room import Room
from edgebot.core.audio import RATE_HZ, AudioFrame, Samples
from edgebot.runtime.live.measuring import first_sound, say
from edgebot.runtime.live.rehearsal import Rehearsal
from edgebot.runtime.wiring import Assembly

pytestmark = pytest.mark.engines

Stage = Callable[..., AbstractContextManager[Rehearsal]]

FACT = "why is the sky blue"


@pytest.fixture
def stage(assembly: Assembly) -> Stage:
    """Opens a daemon in a room with an echo and its canceller."""

    @contextmanager
    def opened(echo_db: float = -20.0) -> Iterator[Rehearsal]:
        room = Room(Acoustics(echo_db=echo_db), echo_canceller=EchoCanceller())
        with Rehearsal(assembly, room) as rehearsal:
            yield rehearsal

    return opened


def heard_from(rehearsal: Rehearsal, assembly: Assembly, since: int) -> str:
    """What our own recogniser makes of what the loudspeaker played."""
    played = [f.samples for f in rehearsal.room.heard() if f.start >= since]
    stream = assembly.stt().stream()
    stream.accept(AudioFrame(np.concatenate([*played, np.zeros(4000, np.int16)])))
    return stream.finish().text


def spoken(assembly: Assembly, text: str) -> Samples:
    return say(assembly.tts(), text)


def test_a_spoken_question_is_answered_aloud(stage: Stage, assembly: Assembly) -> None:
    with stage() as rehearsal:
        taken = rehearsal.ask(spoken(assembly, FACT))
        rehearsal.wait_for(lambda: not rehearsal.daemon.speaker.speaking())
        assert "light" in heard_from(rehearsal, assembly, taken.stop)
    (outcome,) = rehearsal.outcomes
    assert outcome.heard_words
    assert not outcome.interrupted
    record = rehearsal.daemon.parts.ledger.last()[-1]
    assert record["route"] == "knowledge"
    assert record["by"] == "button"


def test_the_wake_word_opens_the_microphone(assembly: Assembly) -> None:
    """Said by the assistant's own voice, which is no easy voice for it: hence a keen ear."""
    wake = assembly.wake_word()
    assert wake is not None
    wake.set_sensitivity(0.9)
    room = Room(Acoustics(echo_db=None))
    lead = np.zeros(RATE_HZ // 4, np.int16)
    try:
        with Rehearsal(assembly, room, listening=False) as rehearsal:
            call = spoken(assembly, "okay nabu.")
            room.say(np.concatenate([call, lead, spoken(assembly, "what time is it")]), 1.0)
            rehearsal.wait_for(lambda: bool(rehearsal.outcomes) or room.position > 20 * RATE_HZ)
        assert rehearsal.outcomes, rehearsal.states
        record = rehearsal.daemon.parts.ledger.last()[-1]
        assert (record["by"], record["intent"]) == ("wake", "time_now")
    finally:
        wake.set_sensitivity(assembly.settings.wake.sensitivity)


def test_a_pause_in_the_middle_of_a_sentence_is_waited_for(
    stage: Stage, assembly: Assembly
) -> None:
    whole = spoken(assembly, "set a timer for twelve minutes")
    middle = quietest(whole, 0.45, 0.7)
    pause = np.zeros(int(0.6 * RATE_HZ), np.int16)
    with stage() as rehearsal:
        rehearsal.ask(np.concatenate([whole[:middle], pause, whole[middle:]]))
        due = assembly.household().store.schedule.next_due_s()
        assert due is not None
        assert 600 < due <= 720
        rehearsal.ask(spoken(assembly, "cancel the timer"))


def quietest(samples: Samples, first: float, last: float) -> int:
    """Position of the quietest moment between two shares of ``samples``: between two words."""
    envelope = np.convolve(np.abs(samples.astype(float)), np.ones(400), "same")
    start, end = int(first * len(samples)), int(last * len(samples))
    return start + int(np.argmin(envelope[start:end]))


def test_a_person_breaks_in_and_our_own_voice_does_not(stage: Stage, assembly: Assembly) -> None:
    with stage(-15.0) as rehearsal:
        rehearsal.ask(spoken(assembly, FACT))
        assert not rehearsal.outcomes[-1].interrupted
        room = rehearsal.room
        rehearsal.daemon.say("This is a rather long sentence about nothing at all. " * 3)
        rehearsal.wait_for(rehearsal.daemon.speaker.speaking)
        person = soxr.resample(spoken(assembly, "what is seven times eight"), 15000, RATE_HZ)
        taken = room.say(person.astype(np.int16), room.position / RATE_HZ + 2.0)
        rehearsal.wait_for(lambda: len(rehearsal.outcomes) >= 3)
        begin = taken.start + first_sound(person, 0.1)
        before = [f for f in room.heard() if f.start < taken.stop]
        assert rehearsal.outcomes[-2].interrupted, (rehearsal.states, rehearsal.outcomes)
        # 350 ms of speech, 200 ms to silence, and the voice's own rise.
        assert before[-1].end - begin <= 0.7 * RATE_HZ
        assert rehearsal.daemon.parts.ledger.last()[-1]["by"] == "barge_in"


def test_a_timer_rings_and_is_silenced_by_voice(stage: Stage, assembly: Assembly) -> None:
    with stage(-30.0) as rehearsal:
        rehearsal.ask(spoken(assembly, "set a timer for one second"))
        rehearsal.wait_for(lambda: bool(assembly.dialogue().scheduler.ringing()))
        rehearsal.wait_for(rehearsal.daemon.speaker.speaking)
        room = rehearsal.room
        room.say(spoken(assembly, "stop"), room.position / RATE_HZ + 1.5)
        rehearsal.wait_for(lambda: not assembly.dialogue().scheduler.ringing())
        rehearsal.wait_for(lambda: len(rehearsal.outcomes) >= 3)
