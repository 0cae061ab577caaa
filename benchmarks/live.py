"""The listening daemon: response times in a simulated room whose clock runs with the wall's.

Questions are spoken by the assistant's own voice, so that the real end of speech is known to the
sample: the last sample that is louder than the room. First audio is where the loudspeaker begins.
"""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from benchmarks.common import say, summary, table
from edgebot.config.loader import load_settings
from edgebot.runtime.live.measuring import Row, measure
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
    with Assembly(load_settings(environ=environ)) as assembly:
        rows = measure(assembly, asked, _tell)
    return {route: of_route(rows, route) for route in sorted({row["route"] for row in rows})}


def _tell(question: str, row: Row) -> None:
    say(f"  {question}: {row['route']}, {row['first_audio']:.0f} ms")


def of_route(rows: Sequence[Row], route: str) -> dict[str, Any]:
    chosen = [row for row in rows if row["route"] == route]
    stages = ("endpoint", "final_text", "parsed", "first_sentence", "first_audio")
    return {stage: summary([row[stage] for row in chosen], 0) for stage in stages}


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
