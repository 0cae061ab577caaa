"""Ears and mouth of a satellite: threads that wait for the wake word and play what comes back."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable

from edgebot.core.audio import RATE_HZ, AudioFrame, Playback, Samples, Sound
from edgebot.core.channel import Channel, ChannelClosed
from edgebot.core.listening import WakeWord
from edgebot.runtime.live.recent import Recent

_RECENT_S = 0.5
"""How much is kept for who goes straight on after the wake word."""

_LONGEST_S = 30.0
"""Nobody is streamed for longer, whatever the hub says."""


class Ears:
    """Waits for the wake word on the board; then hands the sound on until told to stop.

    Nothing leaves the board before the wake word was heard.
    """

    def __init__(
        self,
        sound: Sound,
        wake: WakeWord | None,
        on_wake: Callable[[str], bool],
        on_sound: Callable[[Samples], None],
        on_end: Callable[[], None],
    ) -> None:
        """``on_wake``: whether anybody wants the sound now. ``on_end``: enough was streamed. All
        three are called on the ears' thread."""
        self._sound = sound
        self._wake = wake
        self._on_wake = on_wake
        self._on_sound = on_sound
        self._on_end = on_end
        self._recent = Recent()
        self._streaming = threading.Event()
        self._streamed = 0

    def open(self) -> None:
        """Stream from now on, as if the wake word had been said."""
        self._streamed = 0
        self._streaming.set()

    def close(self) -> None:
        """Stream no more; the next wake word is waited for."""
        self._streaming.clear()

    @property
    def streaming(self) -> bool:
        """Whether sound is handed on."""
        return self._streaming.is_set()

    def run(self) -> None:
        """The thread: ends with the microphone."""
        for frame in self._sound.microphone.frames():
            if self._streaming.is_set():
                self._stream(frame.samples)
            else:
                self._wait(frame)

    def _stream(self, samples: Samples) -> None:
        self._on_sound(samples)
        self._streamed += len(samples)
        if self._streamed > _LONGEST_S * RATE_HZ:
            self.close()
            self._on_end()

    def _wait(self, frame: AudioFrame) -> None:
        if self._wake is None:
            return
        self._recent.add(frame, _RECENT_S)
        found = self._wake.accept(frame.samples, frame.start)
        if found is None or not self._on_wake(found.word):
            return
        self.open()
        for one in self._recent.after_word(found.end):
            self._stream(one.samples)
        self._recent.clear()
        self._wake.reset()


class Mouth:
    """Plays what the hub sends; tells when it was heard."""

    def __init__(self, speaker: Playback, on_played: Callable[[], None]) -> None:
        self._speaker = speaker
        self._on_played = on_played
        self._frames: Channel[tuple[int, AudioFrame | None]] = Channel(capacity=64)
        self._epoch = 0

    def play(self, frame: AudioFrame) -> None:
        """Queue ``frame``; blocks while much waits."""
        self._put(frame)

    def end(self) -> None:
        """That was all of this reply."""
        self._put(None)

    def hush(self) -> None:
        """Drop what was not heard yet."""
        self._epoch += 1
        self._speaker.stop()

    def close(self) -> None:
        """End the thread."""
        self._epoch += 1
        self._frames.close(discard=True)
        self._speaker.stop()

    def run(self) -> None:
        """The thread: ends with :meth:`close`."""
        for epoch, frame in self._frames:
            if epoch != self._epoch:
                continue
            if frame is not None:
                self._speaker.write(frame)
                continue
            self._speaker.flush()
            while epoch == self._epoch and self._speaker.pending_s() > 0:
                time.sleep(min(0.05, max(0.005, self._speaker.pending_s())))
            if epoch == self._epoch:
                self._on_played()

    def _put(self, frame: AudioFrame | None) -> None:
        with contextlib.suppress(ChannelClosed):  # the satellite ends
            self._frames.put((self._epoch, frame))
