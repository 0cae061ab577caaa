"""Enrolled voices: kept, told apart, forgotten; names and files of every sort."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from edgebot.core.audio import RATE_HZ, Samples
from edgebot.core.errors import StoreError, UsageError
from edgebot.core.listening import Vector
from edgebot.runtime.voice_store import VoiceStore, voices_file
from edgebot.runtime.voices import Voices

ANNA = np.array([1.0, 0.1, 0.0], np.float32)
BEN = np.array([0.1, 1.0, 0.0], np.float32)
STRANGER = np.array([0.0, 0.1, 1.0], np.float32)


class Tones:
    """A voice print of a world in which a recording is the speaker's vector, repeated."""

    model_id = "tones"

    def vector(self, samples: Samples) -> tuple[Vector | None, float]:
        if not len(samples):
            return None, 0.0
        voice = samples[:3].astype(np.float32)
        return voice / np.linalg.norm(voice), len(samples) / RATE_HZ

    def close(self) -> None:
        pass


def says(voice: Vector, seconds: float = 2.0) -> Samples:
    return np.resize((voice * 1000).astype(np.int16), int(seconds * RATE_HZ))


def voices_in(folder: Path) -> Voices:
    return Voices(VoiceStore(voices_file(folder), "tones"), Tones())


def test_known_voices_are_told_apart_from_strangers(tmp_path: Path) -> None:
    voices = voices_in(tmp_path)
    assert voices.enroll("anna", [says(ANNA), says(ANNA, 3.0)]) == pytest.approx(5.0)
    voices.enroll("ben", [says(BEN)])
    assert voices.identify(says(ANNA)) == "anna"
    assert voices.identify(says(BEN)) == "ben"
    assert voices.identify(says(STRANGER)) is None


def test_the_nearest_comes_first(tmp_path: Path) -> None:
    voices = voices_in(tmp_path)
    voices.enroll("ben", [says(BEN)])
    voices.enroll("anna", [says(ANNA)])
    guess = voices.guess(says(ANNA))
    assert list(guess.scores) == ["anna", "ben"]
    assert guess.scores["anna"] == pytest.approx(1.0, abs=1e-3)


def test_two_voices_as_near_as_each_other_are_nobody(tmp_path: Path) -> None:
    voices = voices_in(tmp_path)
    voices.enroll("anna", [says(ANNA)])
    voices.enroll("twin", [says(ANNA + 0.01 * STRANGER)])
    assert voices.identify(says(ANNA)) is None


@pytest.mark.parametrize("seconds", [0.0, 0.5])
def test_too_little_speech_is_nobody_and_enrols_nobody(tmp_path: Path, seconds: float) -> None:
    voices = voices_in(tmp_path)
    voices.enroll("anna", [says(ANNA)])
    assert voices.identify(says(ANNA, seconds)) is None
    with pytest.raises(UsageError, match="recording 2 holds"):
        voices.enroll("ben", [says(BEN), says(BEN, seconds)])
    assert voices.store.names == ("anna",)


def test_voices_survive_a_restart_and_the_last_one_takes_the_file_along(tmp_path: Path) -> None:
    voices_in(tmp_path).enroll("Anna-Maria", [says(ANNA)])
    file = voices_file(tmp_path)
    assert file.stat().st_mode & 0o777 == 0o600
    again = voices_in(tmp_path)
    assert again.identify(says(ANNA)) == "Anna-Maria"
    again.store.remove("Anna-Maria")
    assert not file.exists()
    assert again.identify(says(ANNA)) is None


def test_who_was_enrolled_by_another_process_is_known(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    daemon, shell = voices_in(tmp_path), voices_in(tmp_path)
    assert daemon.identify(says(ANNA)) is None
    shell.enroll("anna", [says(ANNA)])
    assert daemon.identify(says(ANNA)) == "anna"
    daemon.enroll("ben", [says(BEN)])
    shell.store.remove("anna")
    assert shell.store.names == daemon.store.names == ("ben",)
    voices_file(tmp_path).write_text("damaged")
    assert daemon.identify(says(BEN)) == "ben"
    assert "remove the file" in caplog.text


def test_recordings_add_up_but_not_for_ever(tmp_path: Path) -> None:
    voices = voices_in(tmp_path)
    for _ in range(30):
        voices.enroll("anna", [says(ANNA)])
    assert len(voices.store.voices["anna"]) == 20


def test_removing_a_stranger_lists_the_known(tmp_path: Path) -> None:
    voices = voices_in(tmp_path)
    with pytest.raises(UsageError, match="none yet"):
        voices.store.remove("carl")
    voices.enroll("anna", [says(ANNA)])
    with pytest.raises(UsageError, match="known: anna"):
        voices.store.remove("carl")


@pytest.mark.parametrize("name", ["", "   ", "../etc", "a" * 41, "x\ny/z", "\x00", "{}"])
def test_impossible_names_are_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(UsageError, match="cannot be the name"):
        voices_in(tmp_path).enroll(name, [says(ANNA)])


@pytest.mark.parametrize(
    "content",
    [
        "",
        "no json",
        "[]",
        "{}",
        '{"version": 1, "model": "tones", "voices": {"a": []}}',
        '{"version": 1, "model": "tones", "voices": {"a": [[NaN, 1]]}}',
        '{"version": 1, "model": "tones", "voices": {"a": [[0, 0]]}}',
        '{"version": 1, "model": "tones", "voices": {"a": [[1, 0]], "b": [[1]]}}',
        '{"version": 1, "model": "tones", "voices": {"a/b": [[1, 0]]}}',
        '{"version": 9, "model": "tones", "voices": {}}',
        "[" * 100_000,
    ],
)
def test_a_damaged_file_is_told_with_the_next_step(tmp_path: Path, content: str) -> None:
    voices_file(tmp_path).write_text(content)
    with pytest.raises(StoreError, match=r"voices\.json.*remove the file and enrol"):
        voices_in(tmp_path)


def test_vectors_of_another_model_are_refused(tmp_path: Path) -> None:
    content = {"version": 1, "model": "other", "voices": {"anna": [[1.0, 0.0]]}}
    voices_file(tmp_path).write_text(json.dumps(content))
    with pytest.raises(StoreError, match="enrolled with other"):
        voices_in(tmp_path)


def test_what_cannot_be_written_is_not_known_either(tmp_path: Path) -> None:
    folder = tmp_path / "state"
    voices = voices_in(folder)
    folder.write_text("a file where the directory should be")
    with pytest.raises(StoreError, match="cannot be written"):
        voices.enroll("anna", [says(ANNA)])
    assert voices.store.names == ()
