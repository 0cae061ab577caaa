"""The listening daemon: response times in a simulated room whose clock runs with the wall's.

Questions are spoken by the assistant's own voice, so that the real end of speech is known to the
sample: the last sample that is louder than the room. First audio is where the loudspeaker begins.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import soxr

from benchmarks.common import say, summary, table
from edgebot.audio.acoustics import Acoustics
from edgebot.audio.room import Room
from edgebot.config.loader import load_settings
from edgebot.core.audio import RATE_HZ, Samples
from edgebot.core.cancel import Cancellation
from edgebot.core.speech import TextToSpeech
from edgebot.runtime.live.rehearsal import Rehearsal
from edgebot.runtime.wiring import Assembly

RULES = (
    "what time is it", "set a timer for ten minutes", "what is seven times eight",
    "add milk to the shopping list", "how many ounces are in a pound", "toss a coin",
    "what is the date today", "how long is left on the timer", "cancel the timer",
    "set the volume to fifty percent", "what is on my shopping list", "what day is tomorrow",
)  # fmt: skip
FACTS = (
    "what is the capital of france", "why is the sky blue", "what is the largest planet",
    "how many legs does a spider have", "what is the capital of japan",
    "what is the boiling point of water", "who painted the mona lisa", "what can you do",
)  # fmt: skip
TALK = (
    "tell me something nice about elephants please", "can you make up a name for my new boat",
    "what should i say to a friend who is sad", "describe a quiet morning by the sea",
    "give me an idea for a birthday present", "what would you do on a rainy sunday",
)  # fmt: skip
MODELS = ("smollm2-135m-instruct-q4_1", "qwen2.5-coder-0.5b-instruct-q4_k_m")


def run(quick: bool) -> dict[str, Any]:
    """End of speech to first audio by the way an answer takes, for every language model."""
    figures: dict[str, Any] = {}
    for number, model in enumerate(MODELS):
        say(f"with {model}")
        with tempfile.TemporaryDirectory() as state:
            asked = TALK[:2] if quick else TALK
            if number == 0:
                asked = (
                    *(RULES[:3] if quick else RULES * 2),
                    *(FACTS[:2] if quick else FACTS),
                    *asked,
                )
            figures[model] = conversation(model, Path(state), asked)
    return figures


def conversation(model: str, state: Path, asked: Sequence[str]) -> dict[str, Any]:
    """Ask everything; figures by route, milliseconds."""
    environ = {
        "EDGEBOT_STATE_DIR": str(state),
        "EDGEBOT_LLM__MODEL": model,
        "EDGEBOT_WAKE__ENABLED": "false",
    }
    rows: list[dict[str, Any]] = []
    with Assembly(load_settings(environ=environ)) as assembly:
        room = Room(Acoustics(echo_db=None), speed=1.0)
        rehearsal = Rehearsal(assembly, room)
        assembly.warm_language_model()
        voice = assembly.tts()
        questions = [spoken(voice, text) for text in asked]
        with rehearsal:
            for text, samples in zip(asked, questions, strict=True):
                rows.append(answer(rehearsal, samples))
                say(f"  {text}: {rows[-1]['route']}, {rows[-1]['first_audio']:.0f} ms")
    return {route: of_route(rows, route) for route in sorted({row["route"] for row in rows})}


def answer(rehearsal: Rehearsal, samples: Samples) -> dict[str, Any]:
    """Ask; what happened when, in milliseconds since the last sound of the question."""
    room, ledger = rehearsal.room, rehearsal.daemon.parts.ledger
    taken = rehearsal.ask(samples, wait=False)
    end = taken.start + last_sound(samples)
    turns = len(ledger.last())
    rehearsal.wait_for(lambda: any(frame.end > end for frame in room.heard()))
    first = next(frame for frame in room.heard() if frame.end > end)
    begun = first.start + first_sound(first.samples)
    rehearsal.daemon.speaker.interrupt()
    rehearsal.wait_for(lambda: len(ledger.last()) > turns)
    record = ledger.last()[-1]
    detected_ms = (begun - end) / RATE_HZ * 1000.0 - record["ms"]["first_audio"]
    stages = {name: ms + detected_ms for name, ms in record["ms"].items()}
    return {**stages, "first_audio": (begun - end) / RATE_HZ * 1000.0, "route": record["route"]}


def of_route(rows: Sequence[dict[str, Any]], route: str) -> dict[str, Any]:
    chosen = [row for row in rows if row["route"] == route]
    stages = ("endpoint", "final_text", "parsed", "first_sentence", "first_audio")
    return {stage: summary([row[stage] for row in chosen], 0) for stage in stages}


def spoken(voice: TextToSpeech, text: str) -> Samples:
    """``text`` in the assistant's voice, 16 kHz."""
    sound = np.concatenate([f.samples for f in voice.synthesize(text, Cancellation())])
    resampled: Samples = soxr.resample(sound, voice.rate_hz, RATE_HZ).astype(np.int16)
    return resampled


def last_sound(samples: Samples, share: float = 0.02) -> int:
    """Position of the last sample that is not silence."""
    return int(np.flatnonzero(_loud(samples, share))[-1])


def first_sound(samples: Samples, share: float = 0.02) -> int:
    """Position of the first sample that is not silence."""
    return int(np.flatnonzero(_loud(samples, share))[0])


def _loud(samples: Samples, share: float) -> Any:
    level = np.abs(samples.astype(np.int32))
    return level > share * level.max()


def report(figures: dict[str, Any]) -> str:
    """The figures as Markdown."""
    rows = []
    for model, routes in figures.items():
        for route, stages in routes.items():
            who = f"{route} ({model})" if route == "llm" else route
            cells = [f"{one['median']:.0f} / {one['p95']:.0f}" for one in stages.values()]
            rows.append((who, stages["first_audio"]["n"], *cells))
    head = ["answered by", "turns", "endpoint", "final text", "decided", "first sentence",
            "first audio"]  # fmt: skip
    text = table(head, rows)
    return (
        "Milliseconds since the last sound of the question, median / p95; the endpoint (how long "
        f"it took to be sure that the person is done) is part of all that follows.\n\n{text}"
    )
