"""Breaking in: does the assistant interrupt itself, and does it stop when a person speaks?

In the simulated room, in lock step, with the real engines: replies of the starter knowledge at
several echo levels, with and without a person (real recordings) who breaks in. Whoever says less
than :data:`SPEECH_MS` in all is too short to count; how much of a recording is speech is told by
its energy, not by the voice activity detector that is being measured.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from benchmarks import speech_data as data
from benchmarks.common import say, summary, table
from benchmarks.endpoint_takes import FRAME, active
from edgebot.audio.acoustics import Acoustics
from edgebot.audio.echo import EchoCanceller
from edgebot.audio.room import Room
from edgebot.config.loader import load_settings
from edgebot.core.audio import RATE_HZ, Samples
from edgebot.runtime.live.jobs import Outcome
from edgebot.runtime.live.measuring import first_sound
from edgebot.runtime.live.rehearsal import Rehearsal
from edgebot.runtime.wiring import Assembly

ECHO_DB = (-40.0, -30.0, -20.0, -10.0)
PERSON_DBFS = -26.0
"""Level of the person at the microphone: someone at a metre or two."""

SPEECH_MS = 350
"""Speech of a person from which it has to be silent soon."""

PEOPLE = {"spoken commands": 24, "coffee orders": 10}

KNOWLEDGE = Path(__file__).resolve().parents[1] / "knowledge"


def run(quick: bool) -> dict[str, Any]:
    """Self-interruptions and true ones, by echo level."""
    replies = sentences(4 if quick else 50)
    figures: dict[str, Any] = {}
    with tempfile.TemporaryDirectory() as state:
        environ = {"EDGEBOT_STATE_DIR": state, "EDGEBOT_WAKE__ENABLED": "false"}
        with Assembly(load_settings(environ=environ)) as assembly:
            for echo_db in ECHO_DB:
                figures[f"{echo_db:g}"] = at_level(assembly, echo_db, replies, quick)
                say(f"{echo_db:g} dB: {figures[f'{echo_db:g}']}")
    return figures


def at_level(assembly: Assembly, echo_db: float, replies: list[str], quick: bool) -> dict[str, Any]:
    """All replies without anybody, then some with a person who breaks in."""
    figures: dict[str, Any] = {"replies": len(replies), "stopped": 0, "paused": 0}
    with rehearsal(assembly, echo_db, seed=1) as stage:
        for text in replies:
            paused, interrupted = alone(stage, text)
            figures["paused"] += paused
            figures["stopped"] += interrupted
    if data.present():
        found = people(quick)
        waits, after = [], []
        with rehearsal(assembly, echo_db, seed=2) as stage:
            for person, text in zip(found, cycle(replies), strict=False):
                wait_ms = broken_in(stage, text, person)
                if wait_ms is not None:
                    waits.append(wait_ms)
                    after.append(wait_ms - enough_ms(person))
        figures |= {"people": len(found), "caught": len(waits)}
        figures["stop_ms"] = summary(waits, 0) if waits else None
        figures["after_ms"] = summary(after, 0) if waits else None
    return figures


def people(quick: bool) -> list[Samples]:
    """What people break in with: all that speak for :data:`SPEECH_MS`."""
    clips = [clip for name, most in PEOPLE.items() for clip in data.clips(name, most)]
    said = [levelled(clip.samples) for clip in clips]
    return [one for one in said if enough_ms(one) < np.inf][:: 12 if quick else 1]


def enough_ms(person: Samples) -> float:
    """When ``person`` has spoken for :data:`SPEECH_MS`, pauses left out; infinite for never."""
    spoken = np.flatnonzero(active(person))
    frames = SPEECH_MS * RATE_HZ // 1000 // FRAME
    return (
        float(spoken[frames - 1] + 1) * FRAME * 1000 / RATE_HZ if len(spoken) >= frames else np.inf
    )


@contextmanager
def rehearsal(assembly: Assembly, echo_db: float, seed: int) -> Iterator[Rehearsal]:
    """A daemon in a room of its own."""
    room = open_room(Acoustics(echo_db=echo_db, seed=seed))
    with Rehearsal(assembly, room, listening=False) as stage:
        yield stage


def open_room(acoustics: Acoustics) -> Any:
    """The room as the daemon hears it, with the software echo canceller."""
    return Room(acoustics, echo_canceller=EchoCanceller())


def alone(stage: Rehearsal, text: str) -> tuple[bool, bool]:
    """Speak ``text`` to nobody: whether it was paused, whether it was broken off."""
    pauses: list[bool] = []
    original = stage.daemon.speaker.pause
    stage.daemon.speaker.pause = lambda: (pauses.append(True), original())  # type: ignore[method-assign]
    ended = len(said(stage))
    stage.daemon.say(text)
    stage.wait_for(lambda: len(said(stage)) > ended)
    stage.daemon.speaker.pause = original  # type: ignore[method-assign]
    stage.wait_for(lambda: not stage.daemon.listener.listening())
    return bool(pauses), said(stage)[-1].interrupted


def broken_in(stage: Rehearsal, text: str, person: Samples) -> float | None:
    """A person speaks a second into ``text``: milliseconds until silence; None when ignored."""
    room = stage.room
    stage.wait_for(lambda: not stage.daemon.speaker.speaking())
    ended = len(said(stage))
    text = f"{text} {text} {text}"
    stage.daemon.say(text)
    stage.wait_for(stage.daemon.speaker.speaking)
    begin = room.say(person, room.position / RATE_HZ + 1.0).start
    stage.wait_for(lambda: len(said(stage)) > ended)
    answered = len(stage.outcomes)
    if not said(stage)[-1].interrupted:
        return None
    silent = next((f.end for f in room.heard() if f.end > begin), begin)
    stage.wait_for(lambda: not stage.daemon.listener.listening())
    stage.wait_for(lambda: stage.daemon.speaker.speaking() or len(stage.outcomes) > answered)
    stage.daemon.speaker.interrupt()
    stage.wait_for(lambda: len(stage.outcomes) > answered)
    return (silent - begin) / RATE_HZ * 1000.0


def said(stage: Rehearsal) -> list[Outcome]:
    """How the replies we gave it to say have ended."""
    return [outcome for outcome in stage.outcomes if outcome.session == "notice"]


def levelled(samples: Samples) -> Samples:
    """``samples`` from their first sound on, at the level of :data:`PERSON_DBFS`."""
    samples = samples[first_sound(samples, 0.1) :]
    loud = samples[np.abs(samples) > 0.05 * np.abs(samples).max()].astype(np.float64)
    gain = 10 ** (PERSON_DBFS / 20) * 32768 / np.sqrt(np.mean(loud**2))
    scaled: Samples = np.clip(samples * gain, -32768, 32767).astype(np.int16)
    return scaled


def sentences(most: int) -> list[str]:
    """Things the assistant says: answers of its own documents."""
    found = []
    for file in sorted((KNOWLEDGE / "facts").glob("*.yaml")):
        for pair in yaml.safe_load(file.read_text(encoding="utf-8"))["pairs"]:
            if 40 <= len(str(pair["a"])) <= 160:
                found.append(str(pair["a"]))
    return list(islice(found[:: max(1, len(found) // most)], most))


def report(figures: dict[str, Any]) -> str:
    """The figures as Markdown."""
    rows = []
    for level, one in figures.items():
        stop, after = one.get("stop_ms"), one.get("after_ms")
        rows.append(
            (
                f"{level} dB", one["replies"], one["stopped"], one["paused"],
                f"{one.get('caught', '–')} of {one.get('people', '–')}",
                f"{stop['median']:.0f} / {stop['p95']:.0f}" if stop else "–",
                f"{after['median']:.0f} / {after['p95']:.0f}" if after else "–",
            )
        )  # fmt: skip
    head = ["echo", "replies", "broken off by ourselves", "paused by ourselves",
            "people who broke in, heard", "from their first sound to silence, ms",
            f"from {SPEECH_MS} ms of their speech to silence, ms"]  # fmt: skip
    return table(head, rows)
