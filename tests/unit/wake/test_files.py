"""Wake word models that are damaged, of another kind or unknown.

TensorFlow Lite answers a damaged file with a null pointer, which the packages follow: these tests
end the whole process when the check before them is gone.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pymicro_wakeword
import pyopen_wakeword
import pytest

from edgebot.config.settings import Settings
from edgebot.core.errors import ConfigError, EngineError
from edgebot.runtime.wiring import Assembly
from edgebot.wake.micro import MicroWakeWords
from edgebot.wake.openwakeword import OpenWakeWords

MICRO = Path(pymicro_wakeword.__file__).parent / "models"
OPEN = Path(pyopen_wakeword.__file__).parent / "models"

DAMAGE: dict[str, Callable[[bytes], bytes]] = {
    "empty": lambda whole: b"",
    "cut short": lambda whole: whole[: len(whole) // 2],
    "only the head": lambda whole: whole[:64],
    "garbage behind the head": lambda whole: whole[:8] + bytes(range(256)) * 40,
    "no such format": lambda whole: b"PK\x03\x04" + whole,
    "text": lambda whole: b"<html>not found</html>",
    "another model": lambda whole: (MICRO / "hey_jarvis.tflite").read_bytes(),
}


@pytest.mark.parametrize("damage", [name for name in DAMAGE if name != "another model"])
def test_a_damaged_micro_model(damage: str, tmp_path: Path) -> None:
    model = tmp_path / "alexa.tflite"
    model.write_bytes(DAMAGE[damage]((MICRO / "alexa.tflite").read_bytes()))
    with pytest.raises(EngineError, match=r"alexa\.tflite: .*edgebot models verify"):
        MicroWakeWords([{"model": model, "config": MICRO / "alexa.json"}])


def test_a_model_of_the_other_engine() -> None:
    with pytest.raises(EngineError, match="no microWakeWord model"):
        MicroWakeWords([{"model": OPEN / "melspectrogram.tflite", "config": MICRO / "alexa.json"}])


@pytest.mark.parametrize("damage", DAMAGE)
@pytest.mark.parametrize("role", ["model", "melspectrogram", "embedding"])
def test_a_damaged_open_model(role: str, damage: str, tmp_path: Path) -> None:
    files = {
        "model": OPEN / "alexa.tflite",
        "melspectrogram": OPEN / "melspectrogram.tflite",
        "embedding": OPEN / "embedding_model.tflite",
    }
    broken = tmp_path / "broken.tflite"
    broken.write_bytes(DAMAGE[damage](files[role].read_bytes()))
    with pytest.raises(EngineError, match=r"broken\.tflite: .*edgebot models verify"):
        OpenWakeWords([{**files, role: broken}])


@pytest.mark.parametrize(
    "config",
    [
        "",
        "[]",
        "{}",
        '{"wake_word": "x", "micro": 3}',
        '{"wake_word": "x", "micro": {"probability_cutoff": "high", "sliding_window_size": 5}}',
        '{"wake_word": "x", "micro": {"probability_cutoff": 1.0, "sliding_window_size": 5}}',
        '{"wake_word": "x", "micro": {"probability_cutoff": NaN, "sliding_window_size": 5}}',
        '{"wake_word": "x", "micro": {"probability_cutoff": 0.9, "sliding_window_size": 0}}',
        '{"wake_word": "x", "micro": {"probability_cutoff": 0.9}}',
        "\ufeff{",
    ],
)
def test_a_description_that_describes_nothing(config: str, tmp_path: Path) -> None:
    file = tmp_path / "alexa.json"
    file.write_text(config, encoding="utf-8")
    with pytest.raises(EngineError, match="not a microWakeWord model"):
        MicroWakeWords([{"model": MICRO / "alexa.tflite", "config": file}])


def test_the_threshold_comes_from_the_description(tmp_path: Path) -> None:
    described = json.loads((MICRO / "alexa.json").read_text())
    described["wake_word"] = "Hallo Haus"
    file = tmp_path / "house.json"
    file.write_text(json.dumps(described))
    words = MicroWakeWords([{"model": MICRO / "alexa.tflite", "config": file}])
    assert words.words == ("hallo haus",)
    words.close()


def assembly_for(**wake: object) -> Assembly:
    return Assembly(Settings.model_validate({"wake": wake}))


@pytest.mark.parametrize("engine", ["microwakeword", "openwakeword"])
def test_an_unknown_word_is_refused_with_the_known_ones(engine: str) -> None:
    with pytest.raises(ConfigError) as refused:
        assembly_for(words=["okay nabu", "open sesame"], engine=engine).wake_models()
    message = str(refused.value)
    assert "'open sesame'" in message and "'okay nabu'" not in message
    assert "alexa, hey jarvis, hey mycroft, okay nabu" in message


def test_words_are_found_however_they_are_written() -> None:
    assert assembly_for(words=[" Hey Jarvis"]).wake_models() == ["microwakeword-hey-jarvis"]


def test_no_word_is_needed_where_they_are_off() -> None:
    assert assembly_for(words=["open sesame"], enabled=False).wake_models() == []
