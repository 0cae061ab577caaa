"""Files that are no models, sound that is none: errors name the next step."""

from __future__ import annotations

from pathlib import Path

import pytest

from edgebot.core.errors import EngineError
from edgebot.vad.silero import SileroVad
from edgebot.vad.smart_turn import SmartTurn

ENGINES = [SileroVad, SmartTurn]


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("content", [b"", b"\0" * 5000, b"\x08\x07onnx", bytes(range(256)) * 40])
def test_a_file_that_is_no_model(engine: type, content: bytes, tmp_path: Path) -> None:
    file = tmp_path / "model.onnx"
    file.write_bytes(content)
    with pytest.raises(EngineError, match=r"model\.onnx: not a .*edgebot models verify"):
        engine(file)


@pytest.mark.parametrize("engine", ENGINES)
def test_a_file_that_is_not_there(engine: type, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="edgebot models verify"):
        engine(tmp_path / "nothing.onnx")
