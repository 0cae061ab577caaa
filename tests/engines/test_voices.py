"""Real voices told apart by the real speaker model."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np
import pytest
import soundfile

from edgebot.core.audio import Samples
from edgebot.core.errors import EngineError
from edgebot.runtime.voice_store import VoiceStore
from edgebot.runtime.voices import Voices
from edgebot.runtime.wiring import Assembly
from edgebot.stt.voiceprint import VoskVoicePrint
from edgebot.stt.vosk import VoskRecognizer

pytestmark = pytest.mark.engines


def voice_print(assembly: Assembly) -> VoskVoicePrint:
    recognizer = assembly.recognizer()
    assert isinstance(recognizer, VoskRecognizer)
    installed = assembly.model("speaker")
    return VoskVoicePrint(recognizer, installed.files["model"], model_id=installed.id)


def orders_of(shared_data: Path, speaker: str, count: int) -> list[Samples]:
    folder = shared_data / "speech" / "commands_s2i"
    with (folder / "labels.tsv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    paths = [folder / row["path"] for row in rows if row["speaker_cluster"] == speaker]
    return [soundfile.read(path, dtype="int16")[0] for path in paths[:count]]


def test_real_voices_are_told_apart(assembly: Assembly, shared_data: Path, tmp_path: Path) -> None:
    prints = voice_print(assembly)
    voices = Voices(VoiceStore(tmp_path / "voices.json", prints.model_id), prints)
    said = {name: orders_of(shared_data, name, 6) for name in ("spk001", "spk006")}
    for name, recordings in said.items():
        voices.enroll(name, recordings[:3])
    guesses = [(name, voices.identify(one)) for name in said for one in said[name][3:]]
    assert all(guess in (name, None) for name, guess in guesses)
    assert sum(name == guess for name, guess in guesses) >= 5
    strangers = [voices.identify(one) for one in orders_of(shared_data, "spk004", 3)]
    assert strangers == [None, None, None]


def test_no_speech_is_no_voice(assembly: Assembly) -> None:
    prints = voice_print(assembly)
    noise = np.random.default_rng(1).normal(0, 30, 16_000).astype(np.int16)
    for samples in (noise[:0], noise[:100], np.zeros(32_000, np.int16)):
        assert prints.vector(samples) == (None, 0.0)


def test_a_directory_without_a_model_is_told(assembly: Assembly, tmp_path: Path) -> None:
    recognizer = assembly.recognizer()
    assert isinstance(recognizer, VoskRecognizer)
    with pytest.raises(EngineError, match="not a Vosk speaker model"):
        VoskVoicePrint(recognizer, tmp_path)


def test_a_closed_model_says_so(assembly: Assembly) -> None:
    prints = voice_print(assembly)
    prints.close()
    with pytest.raises(EngineError, match="closed"):
        prints.vector(np.zeros(16_000, np.int16))
