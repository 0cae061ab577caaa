"""A phrase that no template knows is heard again as free dictation."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest

from edgebot.core.audio import AudioFrame
from edgebot.core.nlu import NluContext, Parse
from edgebot.core.speech import Transcript
from edgebot.runtime.hearing import open_stream


class Recogniser:
    """Hears ``phrase`` when held to phrases and ``free`` otherwise."""

    model_id = "fake"

    def __init__(self, phrase: Transcript, free: str) -> None:
        self._phrase = phrase
        self._free = Transcript(free, "fake")
        self.readings: list[tuple[bool, int]] = []

    def stream(self, grammar: Sequence[str] | None = None) -> Any:
        recogniser, held = self, grammar is not None

        class Stream:
            samples = 0

            def accept(self, frame: AudioFrame) -> str:
                self.samples += len(frame.samples)
                return ""

            def finish(self) -> Transcript:
                recogniser.readings.append((held, self.samples))
                return recogniser._phrase if held else recogniser._free

        return Stream()

    def close(self) -> None: ...


class Templates:
    language = "en"

    def match(self, text: str, context: NluContext) -> Sequence[Parse]:
        return [Parse(text, "timer_set")] if text == "set a timer" else []

    def grammar(self, context: NluContext) -> Sequence[str]:
        return ["set a timer"]

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(name)


@pytest.mark.parametrize(
    ("phrase", "in_grammar", "heard", "readings"),
    [
        ("set a timer", True, "set a timer", 1),
        ("a set timer a", True, "why is the sky blue", 2),
        ("what was dictated", False, "what was dictated", 1),
        ("", True, "", 1),
    ],
)
def test_what_no_template_knows_is_read_again(
    phrase: str, in_grammar: bool, heard: str, readings: int
) -> None:
    recogniser = Recogniser(
        Transcript(phrase, "fake", in_grammar=in_grammar), "why is the sky blue"
    )
    stream = open_stream(recogniser, Templates(), NluContext())
    for start in (0, 1600):
        stream.accept(AudioFrame(np.zeros(1600, np.int16), start=start))
    transcript = stream.finish()
    assert transcript.text == heard
    assert [samples for _, samples in recogniser.readings] == [3200] * readings


def test_a_reading_that_was_made_already_is_not_made_again() -> None:
    free = Transcript("what is a timer", "second")
    believed = Transcript("set a timer please", "fake", in_grammar=True, otherwise=free)
    for phrase in (believed, Transcript("what is a timer", "second", in_grammar=True)):
        recogniser = Recogniser(phrase, "never asked")
        stream = open_stream(recogniser, Templates(), NluContext())
        stream.accept(AudioFrame(np.zeros(1600, np.int16)))
        heard = stream.finish()
        assert heard.text == "what is a timer"
        assert heard.in_grammar is False
        assert recogniser.readings == [(True, 1600)]
