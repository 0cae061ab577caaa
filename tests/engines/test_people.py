"""Two people, told apart by the real speaker model, and what belongs to each of them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soxr

from edgebot.audio.acoustics import Acoustics
from edgebot.audio.room import Room
from edgebot.config.settings import Settings
from edgebot.core.audio import RATE_HZ, AudioFrame, Samples
from edgebot.runtime.live.measuring import say
from edgebot.runtime.live.rehearsal import Rehearsal
from edgebot.runtime.wiring import Assembly

pytestmark = pytest.mark.engines

ENROLMENT = (
    "The meeting about the new kitchen was moved to the afternoon because of the rain.",
    "There was once a town by the sea, and all of its houses were white.",
    "Nobody ever locked a door, and on Sundays the whole town walked along the harbour.",
)
HIGHER = 1.28
"""Ben's voice is the same throat a good deal shorter."""


class Speech:
    """Two voices out of one."""

    def __init__(self, assembly: Assembly) -> None:
        self._voice = assembly.tts()

    def anna(self, text: str) -> Samples:
        return say(self._voice, text)

    def ben(self, text: str) -> Samples:
        samples = say(self._voice, text).astype(np.float32)
        higher = soxr.resample(samples, RATE_HZ * HIGHER, RATE_HZ)
        return np.asarray(np.clip(higher, -32768, 32767), np.int16)


@pytest.fixture(scope="module")
def house(
    tmp_path_factory: pytest.TempPathFactory, settings: Settings
) -> Iterator[tuple[Assembly, Speech]]:
    """A household in which Anna and Ben are known."""
    state: Path = tmp_path_factory.mktemp("people")
    wanted = settings.model_copy(
        update={
            "state_dir": state,
            "voices": settings.voices.model_copy(update={"enabled": True}),
            "listening": settings.listening.model_copy(update={"work_ahead": False}),
        }
    )
    with Assembly(wanted) as assembly:
        speech = Speech(assembly)
        voices = assembly.all_voices()
        voices.enroll("anna", [speech.anna(text) for text in ENROLMENT])
        voices.enroll("ben", [speech.ben(text) for text in ENROLMENT])
        yield assembly, speech


def test_my_list_and_my_memory_are_mine(house: tuple[Assembly, Speech]) -> None:
    assembly, speech = house
    store = assembly.household().store
    room = Room(Acoustics(echo_db=None), remember_s=30.0)

    def answer(question: Samples) -> str:
        since = room.position
        rehearsal.ask(question)
        rehearsal.wait_for(lambda: not rehearsal.daemon.speaker.speaking())
        played = [frame.samples for frame in room.heard() if frame.start >= since]
        stream = assembly.stt().stream()
        stream.accept(AudioFrame(np.concatenate([*played, np.zeros(4000, np.int16)])))
        return stream.finish().text

    with Rehearsal(assembly, room) as rehearsal:
        answer(speech.anna("Please add some apples to my shopping list."))
        answer(speech.ben("Please add some bananas to my shopping list."))
        answer(speech.anna("Remember that my locker number is forty two."))
        told = answer(speech.anna("What do you know about my locker number?"))
        kept = answer(speech.ben("What do you know about my locker number?"))
    on_list = {
        name: " ".join(item.text for item in store.lists.of(name).items("shopping") or ())
        for name in ("anna", "ben")
    }
    assert "apples" in on_list["anna"]
    assert "bananas" in on_list["ben"]
    assert "bananas" not in on_list["anna"]
    assert store.lists.items("shopping") is None
    assert store.memories.all() == []
    assert "forty two" in told
    assert "forty two" not in kept
