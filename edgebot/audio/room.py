"""A simulated room: the loudspeaker is heard by the microphone, people speak, there is noise.

It has a clock of its own, counted in samples, and runs faster than real time. Each frame that is
read from the microphone moves the clock on by 32 ms and plays as much of what waits in the
loudspeaker.
"""

from __future__ import annotations

import math
import threading
import time
from collections import deque
from collections.abc import Callable

import numpy as np

from edgebot.audio.acoustics import Acoustics, Convolution, Noise, impulse_response
from edgebot.audio.echo import EchoCanceller
from edgebot.audio.outage import Outage
from edgebot.audio.playback_queue import FULL_SCALE, Signal
from edgebot.audio.reopening import Reopening
from edgebot.audio.room_devices import FRAME, Fault, RoomMicrophone, RoomSpeaker
from edgebot.core.audio import RATE_HZ, AudioFrame, DeviceTrouble, Samples

PATIENCE_S = 60.0
"""Real seconds that the room waits for a reply to go on."""

DRAIN_S = 0.1
"""Real seconds after which less than a frame in the loudspeaker counts as the end of a reply."""

LEAST_ECHO_DB = -100.0


class Room:
    """A :class:`~edgebot.core.audio.Sound` without devices.

    ``speed`` None runs as fast as it is read, in lock step: while :attr:`busy` says that a reply is
    being prepared or written, and the loudspeaker has less than a frame left, the clock stands
    still. Work then costs no simulated time, and each run comes out the same. ``speed`` 1.0 follows
    the wall clock, 2.0 twice as fast: what is written too late becomes a gap.

    Nothing is kept but the last ``remember_s`` seconds of what was played.
    """

    def __init__(
        self,
        acoustics: Acoustics | None = None,
        *,
        speed: float | None = None,
        buffer_s: float = 0.2,
        remember_s: float = 60.0,
        echo_canceller: EchoCanceller | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.acoustics = acoustics or Acoustics()
        self.busy: Callable[[], bool] = lambda: False
        """Whether more is to be played: from the end of speech until the reply's last frame was
        played. Called from the thread that reads the microphone."""

        self.underruns = 0
        """Gaps within what was played, at any ``speed``."""

        self.speaker = RoomSpeaker(buffer_s)
        self.microphone = Reopening(
            lambda: RoomMicrophone(self), self._tell, clock=self.seconds, sleep=self.advance
        )
        self.on_trouble: Callable[[DeviceTrouble], None] = lambda _: None
        """Called when a device fails, and when it works again."""
        self._canceller = echo_canceller
        self._speed = speed
        self._clock = clock
        self._began: float | None = None
        self._response = impulse_response(self.acoustics)
        self._echo = Convolution(self._response, FRAME)
        self._noise = Noise(self.acoustics)
        self._voices: list[tuple[int, Signal]] = []
        self._lock = threading.Lock()
        self._position = 0
        self._end: int | None = None
        self._closed = threading.Event()
        self._playing = False
        self._heard: deque[AudioFrame] = deque(maxlen=max(1, round(remember_s * RATE_HZ / FRAME)))
        self._fault: tuple[Fault, int] | None = None
        self._speaker_outage = Outage("speaker", self._tell)
        self._left: float | None = None

    @property
    def position(self) -> int:
        """The clock: samples that the microphone has delivered."""
        return self._position

    def seconds(self) -> float:
        """The clock in seconds."""
        return self._position / RATE_HZ

    def fail(self, fault: Fault, seconds: float) -> None:
        """Let a device fail from now on for ``seconds`` on the clock."""
        self._fault = (fault, self._position + round(seconds * RATE_HZ))

    def failing(self, *faults: Fault) -> bool:
        """Whether one of ``faults`` holds now."""
        if self._fault is not None and self._position >= self._fault[1]:
            self._fault = None
        return self._fault is not None and self._fault[0] in faults

    def say(self, samples: Samples, at_s: float | None = None, gain_db: float = 0.0) -> range:
        """Let a person speak ``samples`` (16 kHz) at ``at_s`` on the clock, or right now.

        Returns the positions it takes, in samples. What would lie in the past begins now. Voices
        may overlap; any thread may call this.
        """
        voice = samples.astype(np.float32) * np.float32(10.0 ** (gain_db / 20.0) / FULL_SCALE)
        with self._lock:
            wanted = self._position if at_s is None else round(at_s * RATE_HZ)
            start = max(self._position, wanted)
            self._voices.append((start, voice))
        return range(start, start + len(voice))

    def speaking(self) -> bool:
        """Whether a person speaks now or is going to."""
        with self._lock:
            return bool(self._voices)

    def heard(self) -> list[AudioFrame]:
        """What the loudspeaker played lately, in one frame for each stretch without a gap."""
        with self._lock:
            pieces = list(self._heard)
        stretches: list[list[AudioFrame]] = []
        for piece in pieces:
            if stretches and stretches[-1][-1].end == piece.start:
                stretches[-1].append(piece)
            else:
                stretches.append([piece])
        return [
            AudioFrame(np.concatenate([part.samples for part in parts]), RATE_HZ, parts[0].start)
            for parts in stretches
        ]

    def end_at(self, position: int) -> None:
        """Let the recording end once the clock has reached ``position``, in samples."""
        self._end = position

    def advance(self, seconds: float) -> None:
        """Let time pass that nobody records."""
        for _ in range(math.ceil(seconds * RATE_HZ / FRAME)):
            if self.next_frame() is None:
                return

    def _tell(self, trouble: DeviceTrouble) -> None:
        self.on_trouble(trouble)

    def echo_db(self) -> float | None:
        """Level of the loudspeaker left in the microphone, dB relative to full scale."""
        if self._canceller is not None:
            return self._canceller.echo_db()
        if self._left is None:
            return None
        return max(LEAST_ECHO_DB, 10.0 * math.log10(max(self._left, 1e-20)))

    def heartbeat(self) -> int:
        """Frames so far."""
        return self._position // FRAME + self.microphone.heartbeat()

    def mute_microphone(self, on: bool) -> None:
        """Close the microphone and keep it closed, or open it again."""
        self.microphone.mute(on)

    def microphone_muted(self) -> bool:
        """Whether the microphone is kept closed."""
        return self.microphone.muted

    def close(self) -> None:
        """End the recording, drop what waits."""
        self._closed.set()
        self.microphone.close()
        self.speaker.close()

    def next_frame(self) -> AudioFrame | None:
        """The next 32 ms; None when the recording has ended.

        Raises ``TimeoutError`` when :attr:`busy` holds for a minute of real time without a sound.
        """
        if self._speed is None:
            self._wait_for_reply()
        else:
            self._pace(self._speed)
        if self._closed.is_set() or (self._end is not None and self._position >= self._end):
            return None
        return self._next()

    def _next(self) -> AudioFrame:
        played = self._play()
        with self._lock:
            start = self._position
            self._position += FRAME
            signal = self._mix_voices(start)
            if len(played):
                self._heard.append(AudioFrame(_to_int16(played), RATE_HZ, start))
        if self._playing and 0 < len(played) < FRAME and self.busy():
            self.underruns += 1
        self._playing = len(played) == FRAME
        echo = self._echo.process(played)
        self._measure(echo, len(played) > 0)
        signal += echo
        signal += self._noise.take(FRAME)
        samples = _to_int16(signal)
        if self._canceller is not None:
            played = np.pad(played, (0, FRAME - len(played)))
            samples = self._canceller.process(samples, played)
        return AudioFrame(samples, RATE_HZ, start)

    def _play(self) -> Signal:
        played = self.speaker.queue.take(FRAME)
        if not self.failing("speaker"):
            self._speaker_outage.over()
            return played
        if not self._speaker_outage.lasts:
            self._speaker_outage.failed("the speaker is gone; plug it in")
        return np.zeros(0, np.float32)

    def _mix_voices(self, start: int) -> Signal:
        mixed = np.zeros(FRAME, np.float32)
        if not self._voices:
            return mixed
        for begin, voice in self._voices:
            first, last = max(begin, start), min(begin + len(voice), start + FRAME)
            if first < last:
                mixed[first - start : last - start] += voice[first - begin : last - begin]
        self._voices = [
            (begin, voice) for begin, voice in self._voices if begin + len(voice) > start + FRAME
        ]
        return mixed

    def _measure(self, echo: Signal, playing: bool) -> None:
        if not playing:
            return
        power = float(np.mean(echo**2))
        self._left = power if self._left is None else 0.97 * self._left + 0.03 * power

    def _wait_for_reply(self) -> None:
        queue = self.speaker.queue
        began = last = self._clock()
        waiting = queue.waiting()
        while not self._closed.is_set() and self._is_short_of_sound():
            now = self._clock()
            if queue.waiting() != waiting:
                waiting, last = queue.waiting(), now
            if queue.unfinished() and now - last > DRAIN_S:
                return
            if now - began > PATIENCE_S:
                raise TimeoutError(f"room: busy for {PATIENCE_S:g} s, but nothing is played")
            with queue.changed:
                queue.changed.wait(0.001)

    def _is_short_of_sound(self) -> bool:
        """Whether a reply goes on and its next frame is not there yet."""
        queue = self.speaker.queue
        return queue.waiting() < FRAME and not queue.tail() and self.busy()

    def _pace(self, speed: float) -> None:
        if self._began is None:
            self._began = self._clock() - self._position / RATE_HZ / speed
        due = self._began + (self._position + FRAME) / RATE_HZ / speed
        self._closed.wait(max(0.0, due - self._clock()))


def _to_int16(signal: Signal) -> Samples:
    scaled: Samples = np.clip(np.rint(signal * FULL_SCALE), -32768, 32767).astype(np.int16)
    return scaled
