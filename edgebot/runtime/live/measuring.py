"""Response times of the whole daemon, in a simulated room whose clock runs with the wall's.

Questions are spoken by the assistant's own voice, so that the real end of speech is known to the
sample: the last sample that is not silence. First audio is where the loudspeaker begins to sound.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import soxr

from edgebot.audio.acoustics import Acoustics
from edgebot.audio.room import Room
from edgebot.core.audio import RATE_HZ, Samples
from edgebot.core.cancel import Cancellation
from edgebot.core.speech import TextToSpeech
from edgebot.runtime.live.ledger import STAGES
from edgebot.runtime.live.rehearsal import Rehearsal
from edgebot.runtime.wiring import Assembly

_SILENCE = 0.02
"""Share of the loudest sample below which there is silence."""

Row = dict[str, Any]


def measure(
    assembly: Assembly,
    questions: Sequence[str],
    on_row: Callable[[str, Row], None] = lambda question, row: None,
) -> list[Row]:
    """Ask ``questions`` aloud, one after the other.

    Each row holds ``route`` and, by stage, milliseconds since the last sound of the question.
    Replies are broken off as soon as they are heard.
    """
    room = Room(Acoustics(echo_db=None), speed=1.0)
    rehearsal = Rehearsal(assembly, room)
    if assembly.plan.has("llm"):
        assembly.warm_language_model()
    voice = assembly.tts()
    spoken = [say(voice, text) for text in questions]
    rows = []
    with rehearsal:
        for text, samples in zip(questions, spoken, strict=True):
            rows.append(_answer(rehearsal, samples))
            on_row(text, rows[-1])
    return rows


def say(voice: TextToSpeech, text: str) -> Samples:
    """``text`` in the assistant's voice, shape (n,) at 16 kHz."""
    sound = np.concatenate([f.samples for f in voice.synthesize(text, Cancellation())])
    resampled: Samples = soxr.resample(sound, voice.rate_hz, RATE_HZ).astype(np.int16)
    return resampled


def first_sound(samples: Samples, share: float = _SILENCE) -> int:
    """Position of the first sample that is not silence."""
    return int(_sounding(samples, share)[0])


def last_sound(samples: Samples, share: float = _SILENCE) -> int:
    """Position of the last sample that is not silence."""
    return int(_sounding(samples, share)[-1])


def _sounding(samples: Samples, share: float) -> npt.NDArray[np.intp]:
    level = np.abs(samples.astype(np.int32))
    return np.flatnonzero(level > share * level.max())


def _answer(rehearsal: Rehearsal, samples: Samples) -> Row:
    room, ledger = rehearsal.room, rehearsal.daemon.parts.ledger
    turns = len(ledger.last())
    taken = rehearsal.ask(samples, wait=False)
    end = taken.start + last_sound(samples)
    rehearsal.wait_for(lambda: any(frame.end > end for frame in room.heard()))
    first = next(frame for frame in room.heard() if frame.end > end)
    first_audio_ms = (first.start + first_sound(first.samples) - end) / RATE_HZ * 1000.0
    rehearsal.daemon.speaker.interrupt()
    rehearsal.wait_for(lambda: len(ledger.last()) > turns)
    record = ledger.last()[-1]
    # The ledger counts from the end of speech as the daemon noticed it.
    noticed_ms = first_audio_ms - record["ms"]["first_audio"]
    row = {stage: record["ms"][stage] + noticed_ms for stage in STAGES if stage in record["ms"]}
    return {**row, "first_audio": first_audio_ms, "route": record["route"]}
