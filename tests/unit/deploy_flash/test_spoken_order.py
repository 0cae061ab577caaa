"""The health question as it reaches the assistant: a WAV in an order."""

from __future__ import annotations

import base64
import io
import wave

import pytest

from edgebot.core.errors import UsageError
from edgebot.deploy.board.health import usual
from edgebot.server.control.service import _LINE
from edgebot.server.control.spoken import samples_of


def wav(rate_hz: int = 16_000, width: int = 2, channels: int = 1, frames: int = 160) -> bytes:
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(width)
        file.setframerate(rate_hz)
        file.writeframes(bytes(width * channels * frames))
    return out.getvalue()


def test_the_usual_question_fits_into_an_order() -> None:
    encoded = base64.b64encode(usual().wav).decode()
    assert len(encoded) < _LINE // 2
    samples = samples_of(encoded)
    assert samples.dtype == "int16" and 16_000 < len(samples) < 64_000
    assert abs(samples).max() > 3000


@pytest.mark.parametrize(
    "order",
    [
        None,
        7,
        "",
        "not base64 at all!",
        base64.b64encode(b"no wav").decode(),
        base64.b64encode(wav()[:30]).decode(),
        base64.b64encode(wav(rate_hz=44_100)).decode(),
        base64.b64encode(wav(width=1)).decode(),
        base64.b64encode(wav(channels=2)).decode(),
    ],
)
def test_what_is_no_such_wav(order: object) -> None:
    with pytest.raises(UsageError, match="16 kHz"):
        samples_of(order)


@pytest.mark.parametrize(
    ("reply", "right"),
    [
        ("One kilogram is about 35.27 ounces.", True),
        ("About thirty-five ounces.", True),
        ("About 352 ounces.", False),
        ("I don't know that.", False),
        ("", False),
    ],
)
def test_which_answers_are_right(reply: str, right: bool) -> None:
    assert usual().accepts(reply) is right
