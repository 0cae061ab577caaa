"""The real voice: pieces, pace, loudness, cancellation, odd texts, and back to words again."""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from edgebot.core.audio import AudioFrame
from edgebot.core.cancel import Cancellation
from edgebot.core.errors import EngineError
from edgebot.runtime.wiring import Assembly
from edgebot.tts.piper import PiperVoice

pytestmark = pytest.mark.engines

SENTENCE = "The timer for the eggs has two minutes left."


def say(assembly: Assembly, text: str) -> list[AudioFrame]:
    return list(assembly.tts().synthesize(text, Cancellation()))


def open_voice(assembly: Assembly, **options: float) -> PiperVoice:
    files = assembly.model("tts").files
    return PiperVoice(files["voice"], files["config"], threads=1, **options)  # type: ignore[arg-type]


def length_s(frames: list[AudioFrame]) -> float:
    return sum(frame.duration_s for frame in frames)


@pytest.fixture
def wav(tmp_path: Path) -> Path:
    return tmp_path / "said.wav"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("It is seven thirty.", "it is seven thirty"),
        ("The kitchen light is on.", "kitchen light is on"),
        ("It's 18:30 and 21.5 °C.", "twenty one point five degrees"),
        ("Take 3/4 of it.", "three quarters"),
    ],
)
def test_what_is_said_is_heard_again(
    assembly: Assembly, wav: Path, text: str, expected: str
) -> None:
    sink = assembly.audio_sink(wav, assembly.tts().rate_hz)
    for frame in say(assembly, text):
        sink.write(frame)
    sink.close()
    source = assembly.audio_file(wav)
    stream = assembly.stt().stream()
    for frame in source.frames():
        stream.accept(frame)
    source.close()
    assert expected in stream.finish().text


def test_frames_follow_one_another(assembly: Assembly) -> None:
    frames = say(assembly, f"Well, this is it. {SENTENCE} Good bye!")
    assert len(frames) >= 3
    for before, after in itertools.pairwise(frames):
        assert after.start == before.end
    assert all(frame.rate_hz == assembly.tts().rate_hz for frame in frames)


def test_a_long_sentence_starts_with_a_short_piece(assembly: Assembly) -> None:
    text = "On the other hand, the museum of modern art is closed on the first Monday of the month."
    frames = say(assembly, text)
    assert len(frames) == 2
    assert frames[0].duration_s < frames[1].duration_s / 2


def test_a_cancelled_voice_falls_silent_at_the_next_piece(assembly: Assembly) -> None:
    cancellation = Cancellation()
    pieces: Iterator[AudioFrame] = assembly.tts().synthesize(" ".join([SENTENCE] * 5), cancellation)
    next(pieces)
    cancellation.cancel()
    assert list(pieces) == []


def test_pace_and_loudness(assembly: Assembly) -> None:
    plain = list(open_voice(assembly).synthesize(SENTENCE, Cancellation()))
    fast = list(open_voice(assembly, speed=1.8).synthesize(SENTENCE, Cancellation()))
    soft = list(open_voice(assembly, volume=0.25).synthesize(SENTENCE, Cancellation()))
    assert length_s(fast) < 0.75 * length_s(plain)
    peak = [max(int(np.abs(f.samples.astype(int)).max()) for f in each) for each in (plain, soft)]
    assert peak[1] == pytest.approx(peak[0] / 4, rel=0.05)


@pytest.mark.parametrize("text", ["", "   ", "\n\t", "😀😀", "**", "https://example.org/a?b=c"])
def test_what_cannot_be_said_makes_no_sound(assembly: Assembly, text: str) -> None:
    assert say(assembly, text) == []


@pytest.mark.parametrize(
    "text",
    [
        "שלום עולם",
        "こんにちは",
        "\x00\x07bell",
        "a" * 300,
        "!?!?!?…",
        "1" * 200,
        "Ω≈ç√∫",
        "\u202eabc",
    ],
)
def test_odd_texts_do_no_harm(assembly: Assembly, text: str) -> None:
    frames = say(assembly, text)
    assert all(frame.samples.dtype == np.int16 for frame in frames)
    assert length_s(say(assembly, "Still here.")) > 0.3


def test_a_hundred_kilobytes_are_spoken_piece_by_piece(assembly: Assembly) -> None:
    cancellation = Cancellation()
    pieces = assembly.tts().synthesize("All work and no play. " * 4600, cancellation)
    heard = [next(pieces) for _ in range(3)]
    cancellation.cancel()
    assert list(pieces) == [] and length_s(heard) > 1


def test_a_damaged_voice_is_refused_with_the_next_step(assembly: Assembly, tmp_path: Path) -> None:
    broken = tmp_path / "voice.onnx"
    broken.write_bytes(assembly.model("tts").files["voice"].read_bytes()[:5000])
    with pytest.raises(EngineError, match="edgebot models verify"):
        PiperVoice(broken, assembly.model("tts").files["config"])
