from pathlib import Path

import pytest

from edgebot.core.errors import EngineError
from edgebot.stt.moonshine import MoonshineRecognizer
from edgebot.stt.vosk import VoskRecognizer, _joined


def test_a_directory_that_is_no_model_is_refused_with_the_next_step(tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="edgebot models verify"):
        VoskRecognizer(tmp_path)


def test_damaged_networks_are_refused_with_the_next_step(tmp_path: Path) -> None:
    for name in ("encoder", "decoder", "tokenizer"):
        (tmp_path / name).write_bytes(b"not a network")
    with pytest.raises(EngineError, match="edgebot models verify"):
        MoonshineRecognizer(*(tmp_path / n for n in ("encoder", "decoder", "tokenizer")))


def test_respelled_words_come_back_whole() -> None:
    respelled = {("eco", "bee"): "ecobee", ("a", "b", "c"): "abc"}
    assert list(_joined(["the", "eco", "bee", "a", "b", "a", "b", "c"], respelled)) == [
        ("the", 0, 1), ("ecobee", 1, 3), ("a", 3, 4), ("b", 4, 5), ("abc", 5, 8),
    ]  # fmt: skip
