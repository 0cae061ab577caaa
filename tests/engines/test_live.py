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
    question = spoken(assembly, FACT)
    with stage() as rehearsal:
        taken = rehearsal.ask(question)
        rehearsal.wait_for(lambda: not rehearsal.daemon.speaker.speaking())
        assert "light" in heard_from(rehearsal, assembly, taken.stop)
    (outcome,) = rehearsal.outcomes
    assert outcome.heard_words
    assert not outcome.interrupted
    record = rehearsal.daemon.parts.ledger.last()[-1]
    assert record["route"] == "knowledge"
    assert record["by"] == "button"


def test_the_wake_word_opens_the_microphone(assembly: Assembly) -> None:
    room = Room(Acoustics(echo_db=None))
    lead = np.zeros(RATE_HZ // 4, np.int16)
    tries = [  # the voice says it a little differently each time
        np.concatenate([spoken(assembly, "okay nabu."), lead, spoken(assembly, "what time is it")])
        for _ in range(4)
    ]
    found = []
    with Rehearsal(assembly, room, listening=False) as rehearsal:
        for samples in tries:
            turns = len(rehearsal.outcomes)
            end = room.say(samples, room.position / RATE_HZ + 1.0).stop + 10 * RATE_HZ
            rehearsal.wait_for(
                lambda: len(rehearsal.outcomes) > turns or room.position > end  # noqa: B023
            )
            rehearsal.wait_for(lambda: not rehearsal.daemon.speaker.speaking())
            found += [(r["by"], r["intent"]) for r in rehearsal.daemon.parts.ledger.last()[-1:]]
    assert found.count(("wake", "time_now")) >= 2, found


def test_a_sentence_that_lacks_its_end_is_waited_for(stage: Stage, assembly: Assembly) -> None:
    first, rest = spoken(assembly, "remind me to,"), spoken(assembly, "water the plants at noon")
    cancel = spoken(assembly, "cancel the reminder")
    pause = np.zeros(int(0.4 * RATE_HZ), np.int16)
    with stage() as rehearsal:
        rehearsal.ask(np.concatenate([first, pause, rest]))
        record = rehearsal.daemon.parts.ledger.last()[-1]
        assert record["intent"] == "reminder_set", record
        assert record["speech_s"] > len(rest) / RATE_HZ + 0.4
        rehearsal.ask(cancel)


def test_a_person_breaks_in_and_our_own_voice_does_not(stage: Stage, assembly: Assembly) -> None:
    question = spoken(assembly, FACT)
    slower = soxr.resample(spoken(assembly, "what is seven times eight"), 15000, RATE_HZ)
    person = slower.astype(np.int16)
    with stage(-15.0) as rehearsal:
        rehearsal.ask(question)
        assert not rehearsal.outcomes[-1].interrupted
        room = rehearsal.room
        rehearsal.daemon.say("This is a rather long sentence about nothing at all. " * 3)
        rehearsal.wait_for(rehearsal.daemon.speaker.speaking)
        taken = room.say(person, room.position / RATE_HZ + 2.0)
        rehearsal.wait_for(lambda: len(rehearsal.outcomes) >= 3)
        begin = taken.start + first_sound(person, 0.1)
        silent = next(f.end for f in room.heard() if f.start <= begin < f.end)
        assert rehearsal.outcomes[-2].interrupted, (rehearsal.states, rehearsal.outcomes)
        # 350 ms of speech, 200 ms to silence, and the voice's own rise.
        assert silent - begin <= 0.7 * RATE_HZ
        assert rehearsal.daemon.parts.ledger.last()[-1]["by"] == "barge_in"


def test_a_timer_rings_and_is_silenced_by_voice(stage: Stage, assembly: Assembly) -> None:
    request, stop = spoken(assembly, "set a timer for one second"), spoken(assembly, "stop")
    with stage(-30.0) as rehearsal:
        rehearsal.ask(request)
        rehearsal.wait_for(lambda: bool(assembly.dialogue().scheduler.ringing()))
        rehearsal.wait_for(rehearsal.daemon.speaker.speaking)
        room = rehearsal.room
        room.say(stop, room.position / RATE_HZ + 1.5)
        rehearsal.wait_for(lambda: not assembly.dialogue().scheduler.ringing())
        rehearsal.wait_for(lambda: len(rehearsal.outcomes) >= 3)
    rang, silenced = rehearsal.outcomes[-2:]
    assert (rang.session, rang.interrupted) == ("ring", True)
    assert silenced.ended
