"""Hears a stop word where dictation would not: "stop" over a ringing timer is no "star"."""

from __future__ import annotations

from collections.abc import Callable, Set
from dataclasses import replace

from edgebot.core.audio import AudioFrame
from edgebot.core.speech import SpeechStream, Transcript
from edgebot.runtime.live.veto import is_echo, words_of

_MOST_WORDS = 2
"""Words of an utterance that may have been a stop word by itself."""


class StopWordToo:
    """A :class:`~edgebot.core.speech.SpeechStream` that knows whether a stop word was all of it.

    A second recogniser knows nothing but the stop words and what is none of them. It is believed
    where the first has understood hardly more than a word, and not one that we said ourselves.
    """

    def __init__(
        self,
        stream: SpeechStream,
        only_stop_words: SpeechStream,
        stop_words: Set[str],
        saying: Callable[[], str],
    ) -> None:
        """``saying``: our own words of the moment."""
        self._stream = stream
        self._only = only_stop_words
        self._stop_words = stop_words
        self._saying = saying

    def accept(self, frame: AudioFrame) -> str:
        """As :class:`~edgebot.core.speech.SpeechStream`: the words of the first recogniser."""
        self._only.accept(frame)
        return self._stream.accept(frame)

    def finish(self) -> Transcript:
        """As :class:`~edgebot.core.speech.SpeechStream`."""
        heard, stop = self._stream.finish(), self._only.finish()
        if stop.in_grammar is not True or stop.text not in self._stop_words:
            return heard
        if len(words_of(heard.text)) > _MOST_WORDS or is_echo(heard.text, self._saying()):
            return heard
        return replace(stop, audio_s=heard.audio_s, otherwise=heard)


def with_stop_words(
    open_stream: Callable[[], SpeechStream],
    open_stops: Callable[[], SpeechStream] | None,
    stop_words: Set[str],
    saying: Callable[[], str],
) -> Callable[[], SpeechStream]:
    """What opens streams that hear stop words too; ``open_stops`` None: as good as dictation."""
    if open_stops is None:
        return open_stream
    return lambda: StopWordToo(open_stream(), open_stops(), stop_words, saying)
