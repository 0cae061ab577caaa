"""A spoken question over the control socket: how an update finds out whether a release works."""

from __future__ import annotations

import base64
import binascii
import io
import wave
from collections.abc import Mapping
from typing import Any

import numpy as np

from edgebot.core.audio import Samples
from edgebot.core.errors import UsageError
from edgebot.server.house import House

RATE_HZ = 16_000


async def turn(house: House, order: Mapping[str, Any]) -> dict[str, Any]:
    """Answer ``wav``: a WAV (16 kHz, 16 bit, mono) in base64. Raises ``EdgebotError``."""
    answer = await house.hear(samples_of(order.get("wav")), "control", by="control")
    return {"heard": answer.report.transcript.text, "reply": answer.reply}


def samples_of(wav: Any) -> Samples:
    """The samples, shape (n,); raises ``UsageError``."""
    try:
        content = base64.b64decode(wav, validate=True)
        with wave.open(io.BytesIO(content)) as file:
            looks = (file.getframerate(), file.getsampwidth(), file.getnchannels())
            frames = file.readframes(file.getnframes())
        if looks != (RATE_HZ, 2, 1) or len(frames) % 2:
            raise ValueError
    except (TypeError, ValueError, binascii.Error, wave.Error, EOFError):
        raise UsageError("'turn' needs a WAV of 16 kHz, 16 bit, mono, in base64") from None
    return np.frombuffer(frames, dtype="<i2").astype(np.int16)
