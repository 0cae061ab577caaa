"""A microphone that never goes deaf: whatever happens to it, it is closed and opened again."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator

import numpy as np

from edgebot.audio.outage import Outage
from edgebot.core.audio import RATE_HZ, AudioFrame, AudioSource, DeviceTrouble
from edgebot.core.errors import AudioError

SILENT_S = 5.0
"""So much digital silence is a fault: muted, unplugged, or a driver that hangs."""

STILL_SILENT_S = 1.5
"""After the first time, in seconds: what comes back shall be heard within 2 s."""


_MUTED_S = 0.1
"""Length of the silent frames that stand for a muted microphone, in seconds."""


class Reopening:
    """An :class:`~edgebot.core.audio.AudioSource` around whatever ``open_source`` opens.

    An ``AudioError`` while opening or reading, another rate than 16 kHz in the middle, and
    :data:`SILENT_S` of zeros make it close the source and open another, with growing pauses.
    ``tell`` hears of each outage once, and once of its end. A source must notice by itself when
    nothing comes, and raise; one that ends without an error ends this one too.

    While :meth:`mute` is on, no source is open at all: frames of zeros come at the usual pace.

    ``frames`` numbers samples from 0 on; time without sound leaves a gap in the positions.
    """

    rate_hz = RATE_HZ

    def __init__(
        self,
        open_source: Callable[[], AudioSource],
        tell: Callable[[DeviceTrouble], None],
        *,
        zeros_are_a_fault: bool = True,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] | None = None,
    ) -> None:
        self._open = open_source
        self._outage = Outage("microphone", tell)
        self._zeros_are_a_fault = zeros_are_a_fault
        self._clock = clock
        self._closed = threading.Event()
        self._sleep = sleep or self._closed.wait
        self._lock = threading.Lock()
        self._source: AudioSource | None = None
        self._position = 0
        self._frames = 0
        self._silent = 0
        self._lost = False
        self._muted = threading.Event()
        self._heard_at: float | None = None
        """When the last frame came, or when the first was asked for."""

    def frames(self) -> Iterator[AudioFrame]:
        """Yield frames until :meth:`close`; no fault of the device ends them."""
        if self._heard_at is None:
            self._heard_at = self._clock()
        while not self._closed.is_set():
            if self._muted.is_set():
                yield self._silence()
                continue
            try:
                source = self._reopen()
                for frame in source.frames():
                    if self._muted.is_set():
                        break
                    yield self._checked(frame)
                    if self._closed.is_set():
                        return
                    self._mind_silence()
            except AudioError as error:
                if not self._muted.is_set():
                    self._lost = True
                    self._release()
                    self._sleep(self._outage.failed(str(error)))
                    continue
            if not self._muted.is_set():
                return
            self._release()

    def mute(self, on: bool) -> None:
        """Close the device and keep it closed, or open it again. From any thread."""
        if on:
            self._muted.set()
            self._release()
        else:
            self._muted.clear()

    @property
    def muted(self) -> bool:
        """Whether the device is kept closed."""
        return self._muted.is_set()

    def _silence(self) -> AudioFrame:
        """What is delivered instead of a device that is closed on purpose."""
        self._sleep(_MUTED_S)
        zeros = AudioFrame(np.zeros(int(_MUTED_S * RATE_HZ), np.int16), RATE_HZ, self._position)
        self._position += len(zeros.samples)
        self._frames += 1
        self._heard_at = self._clock()
        return zeros

    def _reopen(self) -> AudioSource:
        source = self._open()
        with self._lock:
            self._source = source
        if self._closed.is_set() or self._muted.is_set():
            self._release()
            raise AudioError("the microphone was closed")
        self._silent = 0
        return source

    def _checked(self, frame: AudioFrame) -> AudioFrame:
        if frame.rate_hz != RATE_HZ:
            raise AudioError(
                f"the microphone changed its rate to {frame.rate_hz} Hz; it is opened anew"
            )
        if frame.samples.any():
            self._silent = 0
            self._outage.over()
        else:
            self._silent += len(frame.samples)
            if not self._zeros_are_a_fault:
                self._outage.over()
        now = self._clock()
        if self._lost and self._heard_at is not None:
            lost = round((now - self._heard_at) * RATE_HZ) - len(frame.samples)
            self._position += max(0, lost)
            self._lost = False
        self._heard_at = now
        numbered = AudioFrame(frame.samples, RATE_HZ, self._position)
        self._position += len(frame.samples)
        self._frames += 1
        return numbered

    def _mind_silence(self) -> None:
        limit_s = STILL_SILENT_S if self._outage.lasts else SILENT_S
        if self._zeros_are_a_fault and self._silent >= limit_s * RATE_HZ:
            raise AudioError(
                "the microphone delivers nothing but zeros; see whether it is muted or unplugged "
                "(`alsamixer`, `wpctl status`)"
            )

    def _release(self) -> None:
        with self._lock:
            source, self._source = self._source, None
        if source is not None:
            source.close()

    def heartbeat(self) -> int:
        """Frames and attempts to open so far."""
        return self._frames + self._outage.attempts

    def close(self) -> None:
        """Release the device; a running :meth:`frames` ends."""
        self._closed.set()
        self._release()
