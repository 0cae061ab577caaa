"""Being called: the wake words, told apart from our own voice."""

from __future__ import annotations

from edgebot.core.audio import AudioFrame
from edgebot.core.listening import Wake, WakeWord
from edgebot.runtime.live.manners import Hooks
from edgebot.runtime.live.speaker import Speaker
from edgebot.runtime.live.veto import foreign_words


class Calling:
    """Waits for a wake word that is not said by us."""

    def __init__(self, wake: WakeWord | None, speaker: Speaker, hooks: Hooks) -> None:
        self._wake = wake
        self._speaker = speaker
        self._hooks = hooks

    def accept(self, frame: AudioFrame) -> Wake | None:
        """Take the next frame; the wake word it ends with."""
        if self._wake is None:
            return None
        wake = self._wake.accept(frame.samples, frame.start)
        if wake is None or self._is_echo(wake.word):
            return None
        self._hooks.woken(wake.word, wake.score)
        return wake

    def reset(self) -> None:
        """Forget what was heard; positions may begin anew."""
        if self._wake is not None:
            self._wake.reset()

    def _is_echo(self, words: str) -> bool:
        return self._speaker.speaking() and not foreign_words(words, self._speaker.saying())
