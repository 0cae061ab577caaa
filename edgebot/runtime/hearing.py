"""Hearing what can be understood: a phrase counts only when a template knows it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from edgebot.core.audio import AudioFrame
from edgebot.core.nlu import NluContext, Understander
from edgebot.core.speech import SpeechStream, SpeechToText, Transcript
from edgebot.runtime.speeds import SPEECH_TO_TEXT


def open_stream(stt: SpeechToText, understander: Understander, context: NluContext) -> SpeechStream:
    """An utterance expected to be one of the templates of ``context``, anything else allowed.

    A recogniser held to phrases joins pieces of them into sentences nobody would say. So what it
    takes for a phrase is put to the templates; where none matches, the utterance is heard again
    as free dictation.
    """

    def understood(text: str) -> bool:
        return bool(understander.match(text, context))

    return _Understood(stt, understander.grammar(context), understood)


class _Understood:
    def __init__(
        self, stt: SpeechToText, phrases: Sequence[str], understood: Callable[[str], bool]
    ) -> None:
        self._stt = stt
        self._stream = stt.stream(phrases)
        self._understood = understood
        self._frames: list[AudioFrame] = []

    def accept(self, frame: AudioFrame) -> str:
        """As :class:`~edgebot.core.speech.SpeechStream`."""
        self._frames.append(frame)
        with SPEECH_TO_TEXT.timed(frame.duration_s):
            return self._stream.accept(frame)

    def finish(self) -> Transcript:
        """As :class:`~edgebot.core.speech.SpeechStream`."""
        with SPEECH_TO_TEXT.timed():
            return self._finish()

    def _finish(self) -> Transcript:
        heard = self._stream.finish()
        frames, self._frames = self._frames, []
        if not heard.text or not heard.in_grammar or self._understood(heard.text):
            return heard
        if heard.engine != self._stt.model_id:  # it was read as free dictation already
            return replace(heard, in_grammar=False)
        if heard.otherwise is not None:
            return replace(heard.otherwise, in_grammar=False)
        stream = self._stt.stream()
        for frame in frames:
            stream.accept(frame)
        return replace(stream.finish(), in_grammar=False)
