"""The example in docs/engines.md is a working engine."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from edgebot.core.cancel import Cancellation
from edgebot.core.speech import TextToSpeech

ROOT = Path(__file__).resolve().parents[2]


def test_the_example_speaks_and_stops_when_cancelled() -> None:
    page = (ROOT / "docs" / "engines.md").read_text()
    match = re.search(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
    assert match
    names: dict[str, Any] = {}
    exec(match[1], names)
    voice: TextToSpeech = names["ToneVoice"]()
    members = [name for name in vars(TextToSpeech) if not name.startswith("_")]
    assert all(hasattr(voice, name) for name in (*members, "model_id", "rate_hz"))
    cancellation = Cancellation()
    frames = []
    for frame in voice.synthesize("one two three four", cancellation):
        frames.append(frame)
        if len(frames) == 2:
            cancellation.cancel()
    assert len(frames) == 2
    assert abs(frames[0].samples).max() > 7000
