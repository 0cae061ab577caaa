"""Soak: hours of mixed audio through the real engines, in the simulated room, in lock step.

Noise and background speech while it is asleep; now and then a question with a rule's answer, one to
the documents, a timer that rings, and a reply that somebody breaks off. The language model is not
asked, so that the hours go by quickly.
"""

from __future__ import annotations

import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.common import say, table
from edgebot.audio.acoustics import Acoustics
from edgebot.audio.echo import EchoCanceller
from edgebot.audio.room import Room
from edgebot.config.loader import load_settings
from edgebot.core.audio import RATE_HZ, Samples
from edgebot.core.cancel import Cancellation
from edgebot.core.speech import TextToSpeech
from edgebot.runtime.live.rehearsal import Rehearsal
from edgebot.runtime.wiring import Assembly

DAY_S = 24 * 3600.0
"""Simulated seconds of the full soak."""

DAY_ASLEEP_S = 450.0
"""Of them between two turns: nearly two hundred turns a day, more than a household has."""

QUICK_S = 600.0
"""Simulated seconds of the quick one."""

BACKGROUND = "the meeting about the new kitchen was moved to the afternoon because of the rain"
STORY = "There was once a town by the sea. All its houses were white. Nobody ever locked a door."
SESSION = ("rule", "knowledge", "timer", "interruption")
QUESTIONS = {
    "rule": "what time is it",
    "knowledge": "why is the sky blue",
    "timer": "set a timer for one second",
    "interruption": "stop",
}


MEMORY = ("VmRSS", "RssAnon")
ROUTES = {"rule": "command", "knowledge": "knowledge", "timer": "command"}
"""Which way the answer to a question has to come."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The process at one moment of the room's clock."""

    at_s: float
    rss_mb: float
    own_mb: float
    """Of it what is no page of a file: models are mapped, and their pages come as they are used."""

    threads: int
    descriptors: int
    written_bytes: int


def run(quick: bool) -> dict[str, Any]:
    """Soak, in a process of its own."""
    with tempfile.TemporaryDirectory() as state:
        environ = {"EDGEBOT_STATE_DIR": state, "EDGEBOT_LISTENING__RING_S": "2"}
        with Assembly(load_settings(environ=environ)) as assembly:
            if quick:
                return soak(assembly, QUICK_S, asleep_s=60.0)
            return soak(assembly, DAY_S, asleep_s=DAY_ASLEEP_S)


def soak(assembly: Assembly, length_s: float, asleep_s: float) -> dict[str, Any]:
    """Run for ``length_s`` simulated seconds.

    ``asleep_s``: simulated seconds between two turns.
    """
    voice = assembly.tts()
    spoken = {name: speech(voice, text) for name, text in QUESTIONS.items()}
    background = speech(voice, BACKGROUND)
    room: Any = Room(Acoustics(echo_db=-30.0, seed=1), echo_canceller=EchoCanceller())
    readings: list[Reading] = []
    answered: Counter[str] = Counter()
    sleep_cpu_s = slept_s = 0.0
    began = time.monotonic()
    with Rehearsal(assembly, room) as stage:
        readings.append(reading(room))
        for name in turns(room, length_s):
            cpu_s, at_s = time.process_time(), room.seconds()
            room.say(background, at_s + asleep_s / 3, gain_db=-12.0)
            stage.wait_for(lambda end=at_s + asleep_s: room.seconds() >= end, 10 * asleep_s)  # type: ignore[misc]
            sleep_cpu_s += time.process_time() - cpu_s
            slept_s += room.seconds() - at_s
            answered[name] += take(stage, name, spoken)
            readings.append(reading(room))
    return figures_of(readings, answered) | {
        "asleep_cpu_s_per_hour": round(3600.0 * sleep_cpu_s / slept_s, 1),
        "asleep_percent_of_a_core": round(100.0 * sleep_cpu_s / slept_s, 2),
        "real_s": round(time.monotonic() - began, 1),
    }


def turns(room: Any, length_s: float) -> Iterator[str]:
    """What happens next, until the time is over."""
    for number, name in enumerate(cycle(SESSION)):
        if room.seconds() >= length_s:
            return
        if number % 20 == 0:
            say(f"soak: {room.seconds() / 3600:.1f} h")
        yield name


def take(stage: Rehearsal, name: str, spoken: dict[str, Samples]) -> bool:
    """One turn; whether it came out as it should."""
    before = len(stage.outcomes)
    if name == "interruption":
        room = stage.room
        stage.daemon.say(STORY)
        stage.wait_for(stage.daemon.speaker.speaking)
        room.say(spoken[name], room.position / RATE_HZ + 1.0)
        stage.wait_for(lambda: len(stage.outcomes) > before)
        done = stage.outcomes[before].interrupted
    else:
        stage.ask(spoken[name])
        route = stage.daemon.parts.ledger.last()[-1]["route"]
        done = stage.outcomes[before].heard_words and route == ROUTES[name]
        if name == "timer":
            stage.wait_for(lambda: any(one.session == "ring" for one in stage.outcomes[before:]))
    stage.wait_for(lambda: not stage.daemon.listener.listening())
    stage.wait_for(lambda: not stage.daemon.activity.busy())
    return done


def speech(voice: TextToSpeech, text: str) -> Samples:
    """``text`` as a person would say it, 16 kHz."""
    import soxr

    frames = [frame.samples for frame in voice.synthesize(text, Cancellation())]
    sound = np.concatenate(frames).astype(np.float32)
    resampled = 0.4 * soxr.resample(sound, voice.rate_hz, RATE_HZ)
    clipped: Samples = np.clip(resampled, -32768, 32767).astype(np.int16)
    return clipped


def reading(room: Any) -> Reading:
    """The process now."""
    status = Path("/proc/self/status").read_text()
    rss_kb, own_kb = (int(status.partition(f"{name}:")[2].split()[0]) for name in MEMORY)
    io = Path("/proc/self/io").read_text()
    return Reading(
        room.seconds(),
        rss_kb / 1024.0,
        own_kb / 1024.0,
        count("/proc/self/task"),
        count("/proc/self/fd"),
        int(io.partition("\nwrite_bytes:")[2].split()[0]),
    )


def count(folder: str) -> int:
    """Entries of a folder."""
    return sum(1 for _ in Path(folder).iterdir())


def figures_of(readings: list[Reading], answered: Counter[str]) -> dict[str, Any]:
    """What came of it."""
    first, last = readings[0], readings[-1]
    length_s = last.at_s - first.at_s
    tenth = next(one for one in readings if one.at_s - first.at_s >= 0.1 * length_s)
    half = [one for one in readings if one.at_s - first.at_s >= 0.5 * length_s]
    slopes: list[float | None] = [None, None]
    if length_s >= 3600.0:  # before that, engines are still settling
        hours = [one.at_s / 3600.0 for one in half]
        grown = [[one.rss_mb for one in half], [one.own_mb for one in half]]
        slopes = [round(float(np.polyfit(hours, values, 1)[0]), 2) for values in grown]
    return {
        "simulated_h": round(length_s / 3600.0, 2),
        "asked": QUESTIONS,
        "turns": dict(answered),
        "turns_asked": len(readings) - 1,
        "rss_mb": {"start": round(first.rss_mb), "tenth": round(tenth.rss_mb),
                   "end": round(last.rss_mb)},
        "own_mb": {"start": round(first.own_mb), "tenth": round(tenth.own_mb),
                   "end": round(last.own_mb)},
        "rss_mb_by_turn": [round(one.rss_mb, 1) for one in readings],
        "slope_mb_per_h": slopes[0],
        "own_slope_mb_per_h": slopes[1],
        "threads": {"tenth": tenth.threads, "end": last.threads},
        "descriptors": {"tenth": tenth.descriptors, "end": last.descriptors},
        "written_bytes": last.written_bytes - first.written_bytes,
    }  # fmt: skip


def report(figures: dict[str, Any]) -> str:
    """The figures as Markdown."""
    memory, threads, files = figures["rss_mb"], figures["threads"], figures["descriptors"]
    asleep = f"{figures['asleep_cpu_s_per_hour']} s ({figures['asleep_percent_of_a_core']} %)"
    own: list[tuple[str, Any]] = []
    if "own_mb" in figures:
        mine = figures["own_mb"]
        own = [
            (
                "the same without pages of files: start, after 10 %, end, MB; slope, MB/h",
                f"{mine['start']}, {mine['tenth']}, {mine['end']}; {figures['own_slope_mb_per_h']}",
            )
        ]
    rows = [
        ("simulated hours", figures["simulated_h"]),
        ("turns that came out right", f"{sum(figures['turns'].values())} of "
                                      f"{figures['turns_asked']}"),
        ("resident memory: start, after 10 %, end, MB",
         f"{memory['start']}, {memory['tenth']}, {memory['end']}"),
        ("slope over the second half, MB/h", figures["slope_mb_per_h"]),
        *own,
        ("threads after 10 %, at the end", f"{threads['tenth']}, {threads['end']}"),
        ("descriptors after 10 %, at the end", f"{files['tenth']}, {files['end']}"),
        ("written to disk in this time, kB (a day)",
         f"{figures['written_bytes'] / 1000:.0f} "
         f"({figures['written_bytes'] / 1000 * 24 / max(0.1, figures['simulated_h']):.0f})"),
        ("processor time per hour asleep (of one core)", asleep),
    ]  # fmt: skip
    asked = ", ".join(f'"{question}"' for question in figures["asked"].values())
    head = (
        f"The hours are the simulated room's; they took {figures['real_s'] / 60:.0f} minutes. "
        "Every one of its samples went through echo canceller and wake word, and through all other "
        "engines while somebody was listened to. Between two turns there was noise and one "
        f"sentence that was not meant for us. The turns, in equal parts: {asked}. The timer rang, "
        "the last broke off a story. A language model read along and was not needed."
    )
    return f"{head}\n\n" + table(["figure", "value"], rows)
