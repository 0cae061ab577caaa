"""The speaker stage: plays replies, can be paused and broken off, and knows what was heard."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable, Mapping

from edgebot.core.audio import AudioFrame, Playback, Samples
from edgebot.core.channel import Channel, ChannelClosed
from edgebot.core.dialogue import VolumeControl
from edgebot.core.turn import Turn
from edgebot.runtime.live.activity import Activity
from edgebot.runtime.live.health import StageHealth
from edgebot.runtime.live.reply import Reply

_PIECE_S = 0.08
"""Sound is written in pieces of this length, so that it can be stopped between them."""

_LOOK_S = 0.005
"""While the last of a reply sounds, its end is looked for this often, in seconds."""

_LEAST_RING = 0.4
"""Gain below which a timer or alarm is not turned down."""

_DUCKED = 0.25
"""Share of the volume while somebody may be breaking in."""


class Speaker:
    """Plays one reply after the other.

    :meth:`pause`, :meth:`resume` and :meth:`interrupt` are called by the listener, from its
    thread, and take effect at once.
    """

    def __init__(
        self,
        playback: Playback,
        volume: VolumeControl,
        health: StageHealth,
        activity: Activity,
        tones: Mapping[str, Samples] | None = None,
        speaking: Callable[[Turn, bool], None] = lambda turn, on: None,
    ) -> None:
        """``tones``: short sounds by name, at the playback's rate; none where they are off."""
        self._playback = playback
        self._volume = volume
        self._health = health
        self._activity = activity
        self._tones = tones or {}
        self._tell_speaking = speaking
        self._replies: Channel[Reply] = Channel(capacity=4)
        self._changed = threading.Condition()
        self._current: Reply | None = None
        self._begun: list[Reply] = []
        self._paused = False
        self._ducked = False
        self._epoch = 0

    # --- the responder's side

    @property
    def waiting(self) -> int:
        """Replies that wait."""
        return len(self._replies)

    def begin(self, reply: Reply) -> None:
        """Play ``reply`` after what is being played."""
        with self._changed:
            self._begun.append(reply)
        self._replies.put(reply)

    # --- the listener's side

    def speaking(self) -> bool:
        """Whether a reply is being played or paused."""
        with self._changed:
            return self._current is not None and self._current.tape_end > 0

    def saying(self) -> str:
        """The words that may be echoing in the room now."""
        with self._changed:
            if self._current is None:
                return ""
            return self._current.saying(self._audible(self._current))

    def tone(self, name: str) -> None:
        """Play a tone at once, if tones are on and nothing is being said."""
        if name in self._tones and not self.speaking():
            self._apply_gain(None)
            self._playback.write(AudioFrame(self._tones[name], self._playback.rate_hz))

    def duck(self, on: bool) -> None:
        """Speak more softly: somebody may be breaking in."""
        with self._changed:
            if self._ducked != on:
                self._ducked = on
                self._apply_gain(self._current)

    def pause(self) -> None:
        """Silence at once; the reply can be resumed."""
        with self._changed:
            if self._current is None or self._paused:
                return
            heard = self._audible(self._current)
            self._paused = True
            self._epoch += 1
            self._playback.stop()
            self._current.rewind(heard)
            self._activity.end((self._current.turn.id, "reply"))
            self._changed.notify_all()

    def resume(self) -> None:
        """It was nobody: go on a little before the place where it was paused."""
        with self._changed:
            if self._paused and self._current is not None:
                self._activity.begin((self._current.turn.id, "reply"))
            self._paused = self._ducked = False
            self._apply_gain(self._current)
            self._changed.notify_all()

    def interrupt(self) -> None:
        """Break the reply off for good: its turn is cancelled."""
        with self._changed:
            reply = self._current
        if reply is not None:
            self._silence(reply)
            reply.turn.cancel()

    # --- the stage

    def run(self) -> None:
        """The stage's thread."""
        for reply in self._replies:
            reply.turn.cancellation.on_cancel(lambda reply=reply: self._silence(reply))  # type: ignore[misc]
            with self._changed:
                self._current, self._paused, self._ducked = reply, False, False
                self._apply_gain(reply)
            try:
                self._play(reply)
                self._say_failure(reply)
            except ChannelClosed:
                pass
            finally:
                self._health.end()
                self._end(reply)

    def close(self) -> None:
        """End the stage."""
        self._replies.close(discard=True)
        with self._changed:
            begun, current = list(self._begun), self._current
            self._changed.notify_all()
        for reply in begun:
            reply.turn.cancel()
            if reply is not current:  # nobody will play it, and somebody may wait for that
                reply.finish("")

    def _play(self, reply: Reply) -> None:
        clips = iter(reply.clips)
        length = int(_PIECE_S * reply.rate_hz)
        cancelled = reply.turn.cancellation
        while not cancelled.is_set:
            if not self._wait_unpaused(reply):
                return
            if reply.cursor >= reply.tape_end:
                clip = next(clips, None)
                if clip is None:
                    self._playback.flush()
                    if self._drained(reply):
                        return
                    continue
                with self._changed:
                    reply.record(clip)
                continue
            with self._changed:
                epoch, piece = self._epoch, reply.piece(length)
            self._health.begin()
            self._playback.write(AudioFrame(piece, reply.rate_hz))
            self._health.end()
            reply.sounds()
            if not reply.cursor:
                self._tell_speaking(reply.turn, True)
            reply.turn.mark("first_audio")
            with self._changed:
                if epoch == self._epoch:
                    reply.cursor += len(piece)

    def _wait_unpaused(self, reply: Reply) -> bool:
        with self._changed:
            self._changed.wait_for(lambda: not self._paused or reply.turn.cancellation.is_set)
        return not reply.turn.cancellation.is_set

    def _drained(self, reply: Reply) -> bool:
        """Wait until all is audible; False when it was paused meanwhile and goes on."""
        least_s = math.inf
        self._health.begin()
        try:
            while (left_s := self._playback.pending_s()) > 0:
                if left_s < least_s:  # it is a stall when the device takes nothing more
                    least_s = left_s
                    self._health.beat()
                if reply.turn.cancellation.wait(min(left_s, _LOOK_S)):
                    return True
                with self._changed:
                    if self._paused:
                        return False
        finally:
            self._health.end()
        return True

    def _end(self, reply: Reply) -> None:
        with self._changed:
            stopped = reply.stopped_at
            heard = reply.heard_until(reply.tape_end if stopped is None else stopped)
            self._current, self._paused, self._ducked = None, False, False
            self._begun.remove(reply)
        self._activity.end((reply.turn.id, "reply"))
        self._tell_speaking(reply.turn, False)
        reply.finish(heard)

    def _silence(self, reply: Reply) -> None:
        with self._changed:
            if self._current is reply and reply.stopped_at is None:
                reply.stopped_at = reply.cursor if self._paused else self._audible(reply)
                self._epoch += 1
                self._playback.stop()
            self._changed.notify_all()
        self._activity.end((reply.turn.id, "reply"))

    def _audible(self, reply: Reply) -> int:
        waiting = int(self._playback.pending_s() * reply.rate_hz)
        return max(0, reply.cursor - waiting)

    def _say_failure(self, reply: Reply) -> None:
        if reply.failure is not None and (tone := self._tones.get("error")) is not None:
            self._playback.write(AudioFrame(tone, self._playback.rate_hz))

    def _apply_gain(self, reply: Reply | None) -> None:
        gain = 0.0 if self._volume.muted() else self._volume.volume() / 100.0
        if reply is not None and reply.rings:
            gain = max(gain, _LEAST_RING)
        if self._ducked:
            gain *= _DUCKED
        self._playback.set_gain(gain)
