"""``edgebot wake`` and ``edgebot voices`` on real recordings with the real models."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
from click.testing import CliRunner, Result

from edgebot.cli.main import cli
from edgebot.config.loader import load_settings
from edgebot.core.audio import RATE_HZ
from edgebot.core.errors import ConfigError, UsageError
from edgebot.runtime import checks
from edgebot.runtime.wake_scores import Score, ScoreFile, read_scores, scores_file
from edgebot.runtime.wiring import Assembly

pytestmark = pytest.mark.engines

Call = Callable[..., Result]


@pytest.fixture
def call(tmp_path: Path) -> Call:
    """Run ``edgebot WORDS…`` in this process with a state directory of its own."""

    def run(*words: str) -> Result:
        environ = {"EDGEBOT_STATE_DIR": str(tmp_path / "state")}
        return CliRunner().invoke(cli, words, env=environ)

    return run


def alexas(shared_data: Path, count: int) -> list[Path]:
    folder = shared_data / "speech" / "wakeword"
    with (folder / "labels.tsv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    return [folder / row["path"] for row in rows if row["keyword"] == "alexa"][:count]


def told(result: Result) -> list[dict[str, object]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def test_words_are_found_in_recordings_and_a_bad_file_does_not_stop(
    call: Call, shared_data: Path, tmp_path: Path
) -> None:
    silence = tmp_path / "silence.wav"
    soundfile.write(silence, np.zeros(0, np.int16), RATE_HZ)
    said = alexas(shared_data, 1)[0]
    result = call(
        "wake", "test", "--json", "--word", "alexa", str(tmp_path), str(silence), str(said)
    )
    assert result.exit_code == 1
    bad, nothing, found = told(result)
    assert "error" in bad
    assert nothing["heard"] == []
    heard = found["heard"]
    assert isinstance(heard, list)
    assert [one["word"] for one in heard] == ["alexa"]
    assert 0.5 < heard[0]["at_s"] < 3.0


def test_an_unknown_word_lists_the_known_ones(call: Call, shared_data: Path) -> None:
    result = call("wake", "test", "--word", "hey siri", str(alexas(shared_data, 1)[0]))
    assert isinstance(result.exception, ConfigError)
    for word in ("hey siri", "alexa", "okay nabu", "hey jarvis"):
        assert word in str(result.exception)


def test_the_list_marks_what_is_listened_for(call: Call) -> None:
    words = told(call("wake", "list", "--json"))
    used = [(one["word"], one["engine"]) for one in words if one["used"]]
    assert used == [("okay nabu", "microwakeword")]
    assert len(words) == 8


def test_tuning_tells_what_it_lacks_and_then_what_it_suggests(call: Call, tmp_path: Path) -> None:
    assert "too little is known" in call("wake", "tune").stdout
    kept = ScoreFile(scores_file(tmp_path / "state"), 100)
    for n in range(20):
        miss = Score(60.0 * n, "okay nabu", 0.8, 0.6, None)
        kept.add(Score(60.0 * n + 3, "okay nabu", 0.9, 0.4, True), [miss])
    result = call("wake", "tune")
    assert "20 attempts not heard" in result.stdout
    assert "sensitivity: 0.63" in result.stdout
    assert told(call("wake", "tune", "--json"))[0]["suggested"] == 0.63


def test_the_score_of_a_waking_is_kept(shared_data: Path, tmp_path: Path) -> None:
    environ = {"EDGEBOT_STATE_DIR": str(tmp_path), "EDGEBOT_WAKE__WORDS": '["alexa"]'}
    settings = load_settings(None, environ)
    said = soundfile.read(alexas(shared_data, 1)[0], dtype="int16")[0]
    samples = np.concatenate([np.zeros(8000, np.int16), said, np.zeros(8000, np.int16)])
    with Assembly(settings) as assembly:
        words = assembly.wake_word()
        assert words is not None
        wakes = [words.accept(samples[at : at + 512], at) for at in range(0, len(samples), 512)]
        assembly.wake_followed(True)
    heard = [one for one in wakes if one]
    assert [one.word for one in heard] == ["alexa"]
    kept = read_scores(scores_file(tmp_path))
    assert [(one.word, one.followed) for one in kept] == [("alexa", True)]
    assert kept[0].score == pytest.approx(heard[0].score, abs=1e-4)
    assert 0.0 <= kept[0].needs <= 0.5


def test_voices_by_the_command_line(call: Call, shared_data: Path, tmp_path: Path) -> None:
    folder = shared_data / "speech" / "commands_s2i"
    with (folder / "labels.tsv").open(encoding="utf-8") as file:
        rows = list(csv.DictReader(file, delimiter="\t", quoting=csv.QUOTE_NONE))
    said = [str(folder / row["path"]) for row in rows if row["speaker_cluster"] == "spk001"]
    silence = tmp_path / "silence.wav"
    soundfile.write(silence, np.zeros(RATE_HZ, np.int16), RATE_HZ)
    assert "no voice is known" in call("voices", "list").stdout
    refused = call("voices", "enroll", "anna", said[0], str(silence))
    assert isinstance(refused.exception, UsageError)
    assert "recording 2 holds 0.0 s of speech" in str(refused.exception)
    assert told(call("voices", "enroll", "anna", "--json", *said[:3]))[0]["recordings"] == 3
    named, nobody = told(call("voices", "identify", "--json", said[3], str(silence)))
    assert (named["name"], nobody["name"]) == ("anna", None)
    assert "forgotten" in call("voices", "remove", "anna").stdout
    assert told(call("voices", "list", "--json")) == []


def test_the_models_that_are_needed_follow_the_settings(tmp_path: Path) -> None:
    environ = {
        "EDGEBOT_STATE_DIR": str(tmp_path),
        "EDGEBOT_WAKE__WORDS": '["alexa", "Hey Jarvis"]',
        "EDGEBOT_VOICES__ENABLED": "true",
    }
    with Assembly(load_settings(None, environ)) as assembly:
        needed = set(assembly.needed_models())
        assert {"microwakeword-alexa", "microwakeword-hey-jarvis", "silero-vad"} <= needed
        assert "microwakeword-okay-nabu" not in needed
        assert ("vosk-spk-0.4" in needed) == assembly.plan.has("speaker")


def test_the_doctor_names_the_wake_words_there_are(tmp_path: Path) -> None:
    environ = {"EDGEBOT_STATE_DIR": str(tmp_path), "EDGEBOT_WAKE__WORDS": '["hey siri"]'}
    with Assembly(load_settings(None, environ)) as assembly:
        found = list(checks.models(assembly))
    assert found[0].status == "fail"
    assert "hey siri" in found[0].message
    assert "alexa" in found[0].message
