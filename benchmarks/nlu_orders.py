"""A domain of one's own by voice: a recording of an order, the grammar of one YAML file, slots."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import speech_data as data
from benchmarks.common import say
from edgebot.core.audio import RATE_HZ, AudioFrame, Samples
from edgebot.core.nlu import NluContext
from edgebot.runtime.hearing import open_stream
from edgebot.runtime.wiring import Assembly

DOMAIN = Path(__file__).resolve().parents[1] / "docs" / "examples" / "coffee.yaml"
SNR_DB = (24, 18, 12, 6)
_FRAME = RATE_HZ // 10


def orders(assembly: Assembly, most: int) -> dict[str, dict[str, Any]]:
    """Share of orders with the intent and every slot right, in quiet and in noise."""
    clips = data.clips("coffee orders", most)
    noises = [samples for _, samples in data.noises()]
    figures = {"quiet": _right(assembly, clips, [clip.samples for clip in clips])}
    some = clips[:: max(1, len(clips) // 48)]
    for snr_db in SNR_DB:
        say(f"orders at {snr_db} dB")
        heard = [
            data.mixed(clip.samples, noises[number % len(noises)], snr_db)
            for number, clip in enumerate(some)
        ]
        figures[f"noise at {snr_db} dB"] = _right(assembly, some, heard)
    return figures


def _right(assembly: Assembly, clips: list[data.Clip], recordings: list[Samples]) -> dict[str, Any]:
    understander = assembly.understander(DOMAIN)
    right = 0
    for clip, samples in zip(clips, recordings, strict=True):
        stream = open_stream(assembly.stt(), understander, NluContext())
        for start in range(0, len(samples), _FRAME):
            piece = np.ascontiguousarray(samples[start : start + _FRAME])
            stream.accept(AudioFrame(piece, RATE_HZ, start))
        parses = understander.match(stream.finish().text, NluContext())
        wanted = json.loads(clip.row["slots"])
        right += (
            bool(parses)
            and parses[0].intent == clip.row["intent"]
            and dict(parses[0].slots) == wanted
        )
    return {"clips": len(clips), "right": round(right / len(clips), 4)}
