"""Recordings: whatever people hand in."""

from __future__ import annotations

import logging
import os
import struct
import wave
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from edgebot.audio.files import AudioFile, WavFile
from edgebot.core.audio import AudioFrame
from edgebot.core.errors import AudioError


def tone(seconds: float, rate_hz: int, channels: int = 1, pitch_hz: float = 440) -> np.ndarray:
    t = np.arange(int(seconds * rate_hz)) / rate_hz
    return np.repeat(0.5 * np.sin(2 * np.pi * pitch_hz * t)[:, None], channels, axis=1)


def read(path: Path, **limits: float) -> np.ndarray:
    source = AudioFile(path, **limits)
    frames = list(source.frames())
    source.close()
    position = 0
    for frame in frames:
        assert frame.start == position
        assert frame.rate_hz == 16_000
        position = frame.end
    return np.concatenate([frame.samples for frame in frames]) if frames else np.zeros(0, np.int16)


@pytest.mark.parametrize("rate_hz", [8_000, 11_025, 16_000, 22_050, 44_100, 48_000, 96_000])
@pytest.mark.parametrize("channels", [1, 2, 7])
def test_any_rate_and_channels_become_16_khz_mono(
    tmp_path: Path, rate_hz: int, channels: int
) -> None:
    path = tmp_path / "tone.wav"
    soundfile.write(path, tone(1.0, rate_hz, channels), rate_hz)
    samples = read(path)
    assert len(samples) == pytest.approx(16_000, abs=2)
    spectrum = np.abs(np.fft.rfft(samples.astype(float)))
    assert np.argmax(spectrum) == pytest.approx(440, abs=2)
    assert np.abs(samples).max() == pytest.approx(16_384, rel=0.05)


@pytest.mark.parametrize("subtype", ["PCM_U8", "PCM_16", "PCM_24", "PCM_32", "FLOAT", "ULAW"])
def test_any_sample_format(tmp_path: Path, subtype: str) -> None:
    path = tmp_path / "tone.wav"
    soundfile.write(path, tone(0.5, 16_000), 16_000, subtype=subtype)
    assert np.abs(read(path)).max() == pytest.approx(16_384, rel=0.05)


def test_flac(tmp_path: Path) -> None:
    path = tmp_path / "tone.flac"
    soundfile.write(path, tone(0.5, 48_000), 48_000)
    assert len(read(path)) == pytest.approx(8_000, abs=2)


def test_samples_that_are_no_numbers_are_silence(tmp_path: Path) -> None:
    path = tmp_path / "nan.wav"
    samples = tone(0.5, 16_000).astype(np.float32)
    samples[100:200] = np.nan
    samples[300] = np.inf
    soundfile.write(path, samples, 16_000, subtype="FLOAT")
    assert len(read(path)) == 8_000


def test_a_truncated_recording_is_used_as_far_as_it_goes(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = tmp_path / "cut.wav"
    soundfile.write(path, tone(1.0, 16_000), 16_000)
    path.write_bytes(path.read_bytes()[:16_044])
    with caplog.at_level(logging.WARNING):
        assert len(read(path)) == 8_000
    assert "shorter than its header says" in caplog.text


def test_a_header_that_lies_about_the_size(tmp_path: Path) -> None:
    path = tmp_path / "liar.wav"
    soundfile.write(path, tone(0.5, 16_000), 16_000)
    content = bytearray(path.read_bytes())
    content[40:44] = struct.pack("<I", 0x7FFFFFFF)
    path.write_bytes(content)
    assert len(read(path)) == 8_000


def test_a_recording_without_samples_gives_no_frames(tmp_path: Path) -> None:
    path = tmp_path / "none.wav"
    soundfile.write(path, np.zeros(0), 16_000)
    assert len(read(path)) == 0


def test_an_over_long_recording_is_refused_with_the_setting(tmp_path: Path) -> None:
    path = tmp_path / "long.wav"
    soundfile.write(path, np.zeros(8_000 * 20), 8_000)
    with pytest.raises(AudioError, match=r"longer than 10 s.*stt.max_utterance_s"):
        read(path, max_s=10.0)


def test_what_is_no_recording_is_named(tmp_path: Path) -> None:
    text = tmp_path / "text.wav"
    text.write_text("hello " * 100)
    empty = tmp_path / "empty.wav"
    empty.touch()
    fifo = tmp_path / "fifo.wav"
    os.mkfifo(fifo)
    for path, reason in [
        (text, "not a recording"),
        (empty, "empty"),
        (tmp_path / "absent.wav", "No such file"),
        (tmp_path, "not a file"),
        (fifo, "not a file"),
        (Path("nul\0byte.wav"), "cannot be opened"),
    ]:
        with pytest.raises(AudioError, match=reason):
            AudioFile(path)


def test_a_ten_minute_recording_of_seven_channels_needs_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "big.wav"
    with wave.open(str(path), "wb") as file:
        file.setparams((7, 2, 96_000, 0, "NONE", ""))
        block = bytes(96_000 * 7 * 2)
        for _ in range(30):
            file.writeframesraw(block)
    source = AudioFile(path)
    longest = max(len(frame.samples) for frame in source.frames())
    source.close()
    assert longest <= 16_000


@settings(max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    position=st.integers(0, 200), junk=st.binary(min_size=1, max_size=40), cut=st.integers(0, 2000)
)
def test_damage_anywhere_is_a_clear_error_or_audio(
    tmp_path: Path, position: int, junk: bytes, cut: int
) -> None:
    path = tmp_path / "damaged.wav"
    soundfile.write(path, tone(0.05, 16_000), 16_000)
    content = bytearray(path.read_bytes())
    content[position : position + len(junk)] = junk
    path.write_bytes(content[: len(content) - cut])
    try:
        read(path, max_s=30.0)
    except AudioError as problem:
        assert str(path) in str(problem)


def test_a_written_recording_appears_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "reply.wav"
    path.write_text("what was here before")
    sink = WavFile(path, 22_050)
    samples = (tone(0.2, 22_050)[:, 0] * 32767).astype(np.int16)
    sink.write(AudioFrame(samples, 22_050))
    assert path.read_text() == "what was here before"
    sink.close()
    sink.close()
    again, rate_hz = soundfile.read(path, dtype="int16")
    assert rate_hz == 22_050
    assert np.array_equal(again, samples)
    assert list(tmp_path.iterdir()) == [path]


def test_a_discarded_recording_leaves_no_trace(tmp_path: Path) -> None:
    path = tmp_path / "reply.wav"
    sink = WavFile(path, 16_000)
    sink.write(AudioFrame(np.zeros(100, np.int16)))
    sink.discard()
    sink.close()
    assert list(tmp_path.iterdir()) == []


def test_a_wrong_rate_or_place_is_refused(tmp_path: Path) -> None:
    sink = WavFile(tmp_path / "a.wav", 16_000)
    with pytest.raises(AudioError, match="22050 Hz into 16000 Hz"):
        sink.write(AudioFrame(np.zeros(1, np.int16), 22_050))
    sink.discard()
    with pytest.raises(AudioError, match="cannot be written"):
        WavFile(tmp_path / "no-such-folder" / "a.wav", 16_000)
