"""Frames of one length out of frames of any length."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

import numpy as np

from edgebot.core.audio import AudioFrame


def chunks_of(frames: Iterable[AudioFrame], length: int) -> Iterator[AudioFrame]:
    """Yield frames of ``length`` samples.

    Where the stream has a gap (a device was reopened), what was begun before it is dropped.
    """
    rest: list[AudioFrame] = []
    have = 0
    for frame in frames:
        if rest and rest[-1].end != frame.start:
            rest, have = [], 0
        rest.append(frame)
        have += len(frame.samples)
        if have < length:
            continue
        start = rest[0].start
        samples = rest[0].samples if len(rest) == 1 else np.concatenate([f.samples for f in rest])
        whole = have - have % length
        for at in range(0, whole, length):
            yield AudioFrame(samples[at : at + length], frame.rate_hz, start + at)
        left = samples[whole:]
        rest = [AudioFrame(left, frame.rate_hz, start + whole)] if len(left) else []
        have = len(left)
