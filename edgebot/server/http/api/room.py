"""The room: saying something in it, listening, muting."""

from __future__ import annotations

from pydantic import Field

from edgebot.server.house import MAX_CHARACTERS, House
from edgebot.server.http.operation import Call, Operation, Wire


class Utterance(Wire):
    """Something to be said aloud."""

    text: str = Field(min_length=1, max_length=MAX_CHARACTERS)


class Loudness(Wire):
    """What is muted, and how loud the rest is."""

    microphone_muted: bool
    """The microphone's device is closed."""

    speaker_muted: bool
    volume: int = Field(ge=0, le=100)
    """Per cent."""

    microphone: bool
    """Whether there is a sound card at all."""


class Wanted(Wire):
    """What shall be different."""

    microphone_muted: bool | None = None
    speaker_muted: bool | None = None
    speaker_muted_s: float | None = Field(default=None, gt=0, le=86_400)
    """The loudspeaker's mute ends by itself after so many seconds."""

    volume: int | None = Field(default=None, ge=0, le=100)


async def say(call: Call) -> None:
    """Speak a text in the room."""
    text = call.json(Utterance).text
    await call.house.look(lambda: call.house.say(text))


async def listen(call: Call) -> None:
    """Open the microphone."""
    call.house.listen()


async def stop(call: Call) -> None:
    """Be quiet."""
    await call.house.look(call.house.stop)


async def loudness(call: Call) -> Loudness:
    """What is muted."""
    return await call.house.look(lambda: loudness_of(call.house))


async def set_loudness(call: Call) -> Loudness:
    """Mute, open, louder, softer."""
    wanted = call.json(Wanted)
    return await call.house.look(lambda: _apply(call.house, wanted))


def loudness_of(house: House) -> Loudness:
    """As it is now."""
    now = house.muted()
    return Loudness(
        microphone_muted=now.microphone,
        speaker_muted=now.speaker,
        volume=now.volume,
        microphone=house.daemon is not None,
    )


def _apply(house: House, wanted: Wanted) -> Loudness:
    if wanted.microphone_muted is not None:
        house.mute_microphone(wanted.microphone_muted)
    if wanted.volume is not None:
        house.set_volume(wanted.volume)
    if wanted.speaker_muted is not None:
        house.mute_speaker(wanted.speaker_muted, wanted.speaker_muted_s)
    return loudness_of(house)


_NO_CARD = {409: "This machine has no sound card in use, or the microphone is muted."}

OPERATIONS = (
    Operation(
        "POST", "/api/say", "Speak a text in the room.", say, "room",
        body=Utterance, status=202, refusals=_NO_CARD,
    ),
    Operation(
        "POST", "/api/listen", "Open the microphone, as if the wake word had been said.", listen,
        "room", status=202, refusals=_NO_CARD,
    ),
    Operation(
        "POST", "/api/stop", "Break off what is said or rings.", stop, "room", status=202,
        refusals=_NO_CARD,
    ),
    Operation("GET", "/api/sound", "Show what is muted.", loudness, "room", answer=Loudness),
    Operation(
        "PATCH", "/api/sound", "Mute the microphone (its device is closed) or the loudspeaker, set "
        "the volume.", set_loudness, "room", body=Wanted, answer=Loudness, refusals=_NO_CARD,
    ),
)  # fmt: skip
