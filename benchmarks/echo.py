"""The software echo canceller: what it leaves of our voice, what it costs a person and the board.

Real recordings are played in simulated rooms; they are louder and softer, male and female, and not
the voice that its constants were chosen with. What counts is the second half of each recording:
the first is for the filter to learn the room.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import numpy.typing as npt

from benchmarks import speech_data as data
from benchmarks.common import say, table
from edgebot.audio.acoustics import Acoustics, Noise, impulse_response
from edgebot.audio.echo import BLOCK, EchoCanceller
from edgebot.core.audio import RATE_HZ, Samples

ECHO_DB = (-40.0, -30.0, -20.0, -10.0)
RT60_S = (0.15, 0.25, 0.5)
DELAY_MS = (10.0, 40.0, 120.0)
VOICE_DBFS = -20.0
"""What the loudspeaker plays."""

PERSON_DBFS = -26.0
SECONDS = 16
COUNT = SECONDS * RATE_HZ // BLOCK * BLOCK

Signal = npt.NDArray[np.float64]


def run(quick: bool) -> dict[str, Any]:
    """Levels, rooms and a person at the same time."""
    if not data.present():
        raise SystemExit("the real recordings (../shared/data) are not here")
    voices = speech(2 if quick else 4)
    person = speech(1, skip=40)[0]
    figures: dict[str, Any] = {"levels": {}, "rooms": [], "person": {}}
    for echo_db in ECHO_DB:
        results = [cancel(voice, Acoustics(echo_db=echo_db)) for voice in voices]
        figures["levels"][f"{echo_db:g}"] = mean(results)
        together = cancel(voices[0], Acoustics(echo_db=echo_db), person)
        figures["person"][f"{echo_db:g}"] = together
        say(f"{echo_db:g} dB: {figures['levels'][f'{echo_db:g}']}, person: {together}")
    for rt60_s in RT60_S:
        for delay_ms in DELAY_MS:
            room = Acoustics(echo_db=-20.0, rt60_s=rt60_s, delay_ms=delay_ms, seed=3)
            result = mean([cancel(voice, room) for voice in voices])
            figures["rooms"].append({"rt60_s": rt60_s, "delay_ms": delay_ms} | result)
    return figures


def cancel(voice: Signal, acoustics: Acoustics, person: Signal | None = None) -> dict[str, float]:
    """Levels before and after, in dB relative to full scale, and the share of a core it takes.

    With ``person``, ``after_db`` is what differs from the person alone.
    """
    microphone = recorded(voice, acoustics)
    alone = np.zeros(COUNT)
    if person is not None:
        alone[COUNT // 2 :] = person[: COUNT - COUNT // 2]
    heard = microphone + alone
    began = time.process_time()
    clean = through(EchoCanceller(), heard, voice)
    took_s = time.process_time() - began
    late = slice(COUNT // 2, COUNT)
    return {
        "before_db": round(level_db(microphone[late]), 1),
        "after_db": round(level_db(clean[late] - alone[late]), 1),
        "core_percent": round(100.0 * took_s / SECONDS, 2),
    }


def recorded(voice: Signal, acoustics: Acoustics) -> Signal:
    """What the microphone hears of ``voice``: its echo, and the noise of the room."""
    echo = fft_convolved(voice, impulse_response(acoustics).astype(np.float64))
    return echo + Noise(acoustics).take(COUNT).astype(np.float64)


def fft_convolved(voice: Signal, response: Signal) -> Signal:
    """The first ``COUNT`` samples of the convolution."""
    size = 1 << (COUNT + len(response)).bit_length()
    product = np.fft.rfft(voice, size) * np.fft.rfft(response, size)
    convolved: Signal = np.fft.irfft(product, size)[:COUNT]
    return convolved


def through(canceller: EchoCanceller, heard: Signal, voice: Signal) -> Signal:
    """All blocks through the canceller."""
    samples = np.clip(np.rint(heard * 32768), -32768, 32767).astype(np.int16)
    played = voice.astype(np.float32)
    blocks: list[Samples] = [
        canceller.process(samples[at : at + BLOCK], played[at : at + BLOCK])
        for at in range(0, COUNT, BLOCK)
    ]
    return np.concatenate(blocks).astype(np.float64) / 32768


def speech(most: int, skip: int = 0) -> list[Signal]:
    """Recordings joined to ``COUNT`` samples each; the first one at the level of a person."""
    clips = data.clips("read sentences", skip + 12 * most)[skip:]
    found: list[Signal] = []
    rest: list[Signal] = []
    for clip in clips:
        rest.append(clip.samples.astype(np.float64) / 32768)
        if sum(map(len, rest)) >= COUNT and len(found) < most:
            joined = np.concatenate(rest)[:COUNT]
            wanted_db = PERSON_DBFS if skip else VOICE_DBFS
            found.append(joined * 10 ** ((wanted_db - level_db(joined)) / 20))
            rest = []
    return found


def level_db(signal: Signal) -> float:
    """RMS in dB relative to full scale."""
    return float(10 * np.log10(np.mean(signal**2) + 1e-12))


def mean(results: list[dict[str, float]]) -> dict[str, float]:
    """Each figure's mean."""
    return {key: round(float(np.mean([one[key] for one in results])), 2) for key in results[0]}


def report(figures: dict[str, Any]) -> str:
    """The figures as Markdown."""
    levels = [
        (
            f"{level} dB",
            f"{one['before_db']:.1f}",
            f"{one['after_db']:.1f}",
            f"{one['before_db'] - one['after_db']:.1f}",
            f"{figures['person'][level]['after_db'] - PERSON_DBFS:.1f}",
            f"{one['core_percent']:.1f} %",
        )
        for level, one in figures["levels"].items()
    ]
    rooms = [
        (
            f"{one['rt60_s']:g} s",
            f"{one['delay_ms']:g} ms",
            f"{one['before_db']:.1f}",
            f"{one['after_db']:.1f}",
            f"{one['before_db'] - one['after_db']:.1f}",
        )
        for one in figures["rooms"]
    ]
    head = ["echo", "echo and noise, dBFS", "left, dBFS", "less by, dB",
            "error on a person who speaks too, dB of their level", "of one core"]  # fmt: skip
    second = ["RT60", "delay", "echo and noise, dBFS", "left, dBFS", "less by, dB"]
    return (
        f"{table(head, levels)}\n\nThe room's noise is at -65 dBFS and stays. Other rooms, at "
        f"-20 dB:\n\n{table(second, rooms)}"
    )
